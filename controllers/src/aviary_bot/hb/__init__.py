"""Everything that touches Hummingbot: imported after the launcher has written its files and answers probes."""
