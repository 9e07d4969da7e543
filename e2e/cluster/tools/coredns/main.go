// CoreDNS with the plugins the local cluster's Corefile names, and no others: the stock build links the clients
// of several clouds, which is most of its six minutes of build time. This is the way the CoreDNS project
// documents for builds of one's own (https://coredns.io/2017/07/25/compile-time-enabling-or-disabling-plugins/).
package main

import (
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/forward"
	_ "github.com/coredns/coredns/plugin/health"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/loop"
	_ "github.com/coredns/coredns/plugin/metrics"
	_ "github.com/coredns/coredns/plugin/ready"
	_ "github.com/coredns/coredns/plugin/reload"

	"github.com/coredns/coredns/coremain"
)

func main() {
	coremain.Run()
}
