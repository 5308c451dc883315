// go-zookeeper's client against one server: `clients HOST:PORT`. Prints "ok NAME" for each part that works.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"sort"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"
)

const patience = 20 * time.Second

var (
	address string
	world   = zk.WorldACL(zk.PermAll)
	opened  []*zk.Conn
)

type quiet struct{}

func (quiet) Printf(string, ...interface{}) {}

func connect() (*zk.Conn, <-chan zk.Event) {
	return connectBy(net.DialTimeout)
}

func connectBy(dial zk.Dialer) (*zk.Conn, <-chan zk.Event) {
	conn, events, err := zk.Connect([]string{address}, 15*time.Second, zk.WithDialer(dial), zk.WithLogger(quiet{}))
	must(err)
	opened = append(opened, conn)
	deadline := time.After(patience)
	for {
		select {
		case event := <-events:
			if event.State == zk.StateHasSession {
				return conn, events
			}
		case <-deadline:
			panic("no session")
		}
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func check(holds bool, what string, arguments ...interface{}) {
	if !holds {
		panic(fmt.Sprintf(what, arguments...))
	}
}

func fails(err, expected error) {
	check(errors.Is(err, expected), "got %v, expected %v", err, expected)
}

func next(events <-chan zk.Event, kind zk.EventType, path string) {
	select {
	case event := <-events:
		check(event.Type == kind && event.Path == path, "got %v %v, expected %v %v", event.Type, event.Path, kind, path)
	case <-time.After(patience):
		panic(fmt.Sprintf("no event %v", kind))
	}
}

func nodes(root string) {
	conn, _ := connect()
	path, err := conn.Create(root+"/a", []byte("one"), 0, world)
	must(err)
	check(path == root+"/a", "path %s", path)
	data, stat, err := conn.Get(path)
	must(err)
	check(string(data) == "one" && stat.Version == 0, "data %s", data)
	stat, err = conn.Set(path, []byte("two"), 0)
	must(err)
	check(stat.Version == 1, "version %d", stat.Version)
	_, err = conn.Set(path, nil, 0)
	fails(err, zk.ErrBadVersion)
	_, err = conn.Create(path, nil, 0, world)
	fails(err, zk.ErrNodeExists)
	_, _, err = conn.Get(root + "/none")
	fails(err, zk.ErrNoNode)
	_, err = conn.Create(path+"/b", nil, 0, world)
	must(err)
	fails(conn.Delete(path, -1), zk.ErrNotEmpty)
	_, err = conn.CreateContainer(root+"/container", nil, zk.FlagContainer, world)
	must(err)
	_, err = conn.CreateTTL(root+"/ttl", nil, zk.FlagTTL, world, time.Hour)
	must(err)
	names, _, err := conn.Children(root)
	must(err)
	sort.Strings(names)
	check(fmt.Sprint(names) == "[a container ttl]", "children %v", names)
	_, err = conn.Sync(root)
	must(err)
	big := bytes.Repeat([]byte("x"), 900_000)
	_, err = conn.Set(path, big, -1)
	must(err)
	data, _, err = conn.Get(path)
	must(err)
	check(bytes.Equal(data, big), "%d bytes", len(data))
}

func multi(root string) {
	conn, _ := connect()
	results, err := conn.Multi(
		&zk.CreateRequest{Path: root + "/a", Data: []byte("one"), Acl: world},
		&zk.SetDataRequest{Path: root + "/a", Data: []byte("two"), Version: 0},
		&zk.CheckVersionRequest{Path: root + "/a", Version: 1},
	)
	must(err)
	check(len(results) == 3 && results[0].String == root+"/a" && results[1].Stat.Version == 1, "results %v", results)
	_, err = conn.Multi(&zk.DeleteRequest{Path: root + "/a", Version: -1}, &zk.CheckVersionRequest{Path: root + "/b"})
	fails(err, zk.ErrNoNode)
	exists, _, err := conn.Exists(root + "/a")
	must(err)
	check(exists, "the failed multi deleted")
}

func watches(root string) {
	conn, _ := connect()
	other, _ := connect()
	_, _, created, err := conn.ExistsW(root + "/a")
	must(err)
	_, _, children, err := conn.ChildrenW(root)
	must(err)
	_, err = other.Create(root+"/a", nil, 0, world)
	must(err)
	next(created, zk.EventNodeCreated, root+"/a")
	next(children, zk.EventNodeChildrenChanged, root)
	_, _, changed, err := conn.GetW(root + "/a")
	must(err)
	_, err = other.Set(root+"/a", []byte("one"), -1)
	must(err)
	next(changed, zk.EventNodeDataChanged, root+"/a")
	_, _, deleted, err := conn.GetW(root + "/a")
	must(err)
	must(other.Delete(root+"/a", -1))
	next(deleted, zk.EventNodeDeleted, root+"/a")
}

func acls(root string) {
	owner, _ := connect()
	stranger, _ := connect()
	must(owner.AddAuth("digest", []byte("ann:secret")))
	_, err := owner.Create(root+"/mine", []byte("secret"), 0, zk.DigestACL(zk.PermAll, "ann", "secret"))
	must(err)
	// A read without it may be older, as with a follower of an ensemble.
	_, err = stranger.Sync(root + "/mine")
	must(err)
	_, _, err = stranger.Get(root + "/mine")
	fails(err, zk.ErrNoAuth)
	must(stranger.AddAuth("digest", []byte("ann:secret")))
	_, _, err = stranger.Get(root + "/mine")
	must(err)
	acl, _, err := owner.GetACL(root + "/mine")
	must(err)
	check(fmt.Sprint(acl) == fmt.Sprint(zk.DigestACL(zk.PermAll, "ann", "secret")), "acl %v", acl)
}

func locks(root string) {
	var waiting sync.WaitGroup
	held, most, total := 0, 0, 0
	var guard sync.Mutex
	for worker := 0; worker < 4; worker++ {
		conn, _ := connect()
		waiting.Add(1)
		go func() {
			defer waiting.Done()
			for round := 0; round < 5; round++ {
				lock := zk.NewLock(conn, root+"/lock", world)
				must(lock.Lock())
				guard.Lock()
				held++
				total++
				if held > most {
					most = held
				}
				guard.Unlock()
				time.Sleep(time.Millisecond)
				guard.Lock()
				held--
				guard.Unlock()
				must(lock.Unlock())
			}
		}()
	}
	waiting.Wait()
	check(most == 1 && total == 20, "%d held it at once, %d times in all", most, total)
}

func pipelining(root string) {
	conn, _ := connect()
	var waiting sync.WaitGroup
	for number := 0; number < 200; number++ {
		waiting.Add(1)
		go func(path string) {
			defer waiting.Done()
			_, err := conn.Create(path, []byte(path), 0, world)
			must(err)
			data, _, err := conn.Get(path)
			must(err)
			check(string(data) == path, "data %s", data)
		}(fmt.Sprintf("%s/n%d", root, number))
	}
	waiting.Wait()
}

// A connection that breaks comes back with its session, its ephemerals and its watches.
func reconnect(root string) {
	var guard sync.Mutex
	var sockets []net.Conn
	dial := func(network, address string, timeout time.Duration) (net.Conn, error) {
		socket, err := net.DialTimeout(network, address, timeout)
		if err == nil {
			guard.Lock()
			sockets = append(sockets, socket)
			guard.Unlock()
		}
		return socket, err
	}
	conn, events := connectBy(dial)
	other, _ := connect()
	session := conn.SessionID()
	_, err := conn.Create(root+"/mine", nil, zk.FlagEphemeral, world)
	must(err)
	_, _, changed, err := conn.GetW(root)
	must(err)
	guard.Lock()
	sockets[len(sockets)-1].Close()
	guard.Unlock()
	_, err = other.Set(root, []byte("changed meanwhile"), -1)
	must(err)
	deadline := time.After(patience)
	for back := false; !back; {
		select {
		case event := <-events:
			check(event.State != zk.StateExpired, "the session expired")
			back = event.State == zk.StateHasSession
		case <-deadline:
			panic("it does not come back")
		}
	}
	next(changed, zk.EventNodeDataChanged, root)
	check(conn.SessionID() == session, "another session")
	exists, stat, err := conn.Exists(root + "/mine")
	must(err)
	check(exists && stat.EphemeralOwner == session, "the ephemeral is gone")
}

func words(string) {
	check(zk.FLWRuok([]string{address}, patience)[0], "ruok")
}

func main() {
	address = os.Args[1]
	base := fmt.Sprintf("/go-%d", time.Now().UnixNano())
	setup, _ := connect()
	_, err := setup.Create(base, nil, 0, world)
	must(err)
	parts := []struct {
		name string
		run  func(string)
	}{
		{"nodes", nodes}, {"multi", multi}, {"watches", watches}, {"acls", acls}, {"locks", locks},
		{"pipelining", pipelining}, {"reconnect", reconnect}, {"words", words},
	}
	failures := 0
	for _, part := range parts {
		root := base + "/" + part.name
		_, err := setup.Create(root, nil, 0, world)
		must(err)
		if failure := attempt(part.run, root); failure != nil {
			failures++
			fmt.Printf("FAILED %s: %v\n", part.name, failure)
		} else {
			fmt.Println("ok " + part.name)
		}
	}
	for _, conn := range opened {
		conn.Close()
	}
	if failures > 0 {
		os.Exit(1)
	}
}

func attempt(run func(string), root string) (failure interface{}) {
	defer func() { failure = recover() }()
	run(root)
	return nil
}
