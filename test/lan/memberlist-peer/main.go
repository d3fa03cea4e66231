// Command memberlist-peer is a member as MetalLB's speaker is one: the library with the settings of its LAN profile.
//
// It prints what happens as JSON, one object per line, and takes commands on standard input, one per line:
// "join ADDRESS:PORT", "members", "leave". It ends with its standard input.
package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// message is one line of output.
type message struct {
	Event   string   `json:"event"`
	Name    string   `json:"name,omitempty"`
	Address string   `json:"address,omitempty"`
	Meta    string   `json:"meta,omitempty"`
	Members []string `json:"members,omitempty"`
	Error   string   `json:"error,omitempty"`
	Count   int      `json:"count,omitempty"`
}

// output writes whole lines, whoever calls.
type output struct{ lock sync.Mutex }

func (o *output) print(m message) {
	o.lock.Lock()
	defer o.lock.Unlock()
	line, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(line))
}

func (o *output) node(event string, n *memberlist.Node) {
	o.print(message{Event: event, Name: n.Name, Address: n.Address(), Meta: string(n.Meta)})
}

func (o *output) NotifyJoin(n *memberlist.Node)   { o.node("join", n) }
func (o *output) NotifyLeave(n *memberlist.Node)  { o.node("leave", n) }
func (o *output) NotifyUpdate(n *memberlist.Node) { o.node("update", n) }

func main() {
	name := flag.String("name", "", "name of the node")
	address := flag.String("address", "127.0.0.1", "address to bind")
	port := flag.Int("port", 7946, "UDP and TCP port")
	key := flag.String("key", "", "key of AES-256 in hex; empty: no encryption")
	wan := flag.Bool("wan", false, "the WAN profile")
	flag.Parse()
	out := &output{}
	fail := func(err error) {
		out.print(message{Event: "failed", Error: err.Error()})
		os.Exit(1)
	}

	config := memberlist.DefaultLANConfig()
	if *wan {
		config = memberlist.DefaultWANConfig()
	}
	config.Name = *name
	config.BindAddr = *address
	config.BindPort = *port
	config.AdvertisePort = *port
	config.Events = out
	secret, err := hex.DecodeString(*key)
	if err != nil {
		fail(err)
	}
	if len(secret) > 0 {
		config.SecretKey = secret
	}
	list, err := memberlist.Create(config)
	if err != nil {
		fail(err)
	}
	out.print(message{Event: "ready"})

	commands := bufio.NewScanner(os.Stdin)
	for commands.Scan() {
		command, argument, _ := strings.Cut(commands.Text(), " ")
		switch command {
		case "join":
			count, err := list.Join([]string{argument})
			done := message{Event: "joined", Count: count}
			if err != nil {
				done.Error = err.Error()
			}
			out.print(done)
		case "members":
			names := []string{}
			for _, n := range list.Members() {
				names = append(names, n.Name)
			}
			out.print(message{Event: "members", Members: names})
		case "leave":
			done := message{Event: "left"}
			if err := list.Leave(time.Second); err != nil {
				done.Error = err.Error()
			}
			out.print(done)
		}
	}
}
