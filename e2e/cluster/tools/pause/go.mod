module aviary.trading/e2e/cluster/tools/pause

go 1.24.0
