// Checks a history of nodes for linearizability, node by node: JSON on standard input, a verdict for each on standard
// output. What happened to one node is independent of the others as far as this model goes; that a multi is atomic is
// judged by zxids elsewhere.
package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
)

// Operation is one call on one node. Times are microseconds; Return is missing where the outcome is unknown.
type Operation struct {
	Client  int    `json:"client"`
	Call    int64  `json:"call"`
	Return  *int64 `json:"return"`
	Kind    string `json:"kind"`
	Value   string `json:"value"`
	Version int    `json:"version"`
	Output  Output `json:"output"`
}

// Output is what the call was told: an error, or the node as it was after it.
type Output struct {
	Unknown bool   `json:"-"`
	Error   string `json:"error"`
	Value   string `json:"value"`
	Version int    `json:"version"`
}

// Request is what is asked on standard input.
type Request struct {
	TimeoutMs int64                  `json:"timeoutMs"`
	Pictures  string                 `json:"pictures"`
	Nodes     map[string][]Operation `json:"nodes"`
}

// Verdict of one node: Ok, Illegal, or Unknown where the time did not suffice.
type Verdict struct {
	Node       string `json:"node"`
	Result     string `json:"result"`
	Operations int    `json:"operations"`
	Picture    string `json:"picture,omitempty"`
}

type node struct {
	exists  bool
	value   string
	version int
}

// step says whether the outcome fits the node as it is, and what the node is then. An unknown call does what it can:
// that it did nothing is the same as that it comes after everything else.
func step(before, input, output interface{}) (bool, interface{}) {
	now, call, told := before.(node), input.(Operation), output.(Output)
	fits := call.Version == -1 || call.Version == now.version
	problem, after := "", now
	switch call.Kind {
	case "create":
		if now.exists {
			problem = "NodeExists"
		} else {
			after = node{true, call.Value, 0}
		}
	case "set", "delete":
		if !now.exists {
			problem = "NoNode"
		} else if !fits {
			problem = "BadVersion"
		} else if call.Kind == "delete" {
			after = node{}
		} else {
			after = node{true, call.Value, now.version + 1}
		}
	case "read":
		if !now.exists {
			problem = "NoNode"
		}
	default:
		panic("no such kind: " + call.Kind)
	}
	if told.Unknown {
		return true, after
	}
	if told.Error != problem {
		return false, now
	}
	if problem != "" || call.Kind == "delete" {
		return true, after
	}
	return told.Value == after.value && told.Version == after.version, after
}

func describe(input, output interface{}) string {
	call, told := input.(Operation), output.(Output)
	text := call.Kind
	if call.Kind != "read" {
		text += fmt.Sprintf(" %s v%d", call.Value, call.Version)
	}
	switch {
	case told.Unknown:
		return text + " → ?"
	case told.Error != "":
		return text + " → " + told.Error
	default:
		return fmt.Sprintf("%s → %s v%d", text, told.Value, told.Version)
	}
}

var model = porcupine.Model{
	Init:              func() interface{} { return node{} },
	Step:              step,
	DescribeOperation: describe,
	DescribeState:     func(state interface{}) string { return fmt.Sprintf("%+v", state) },
}

func check(name string, operations []Operation, timeout time.Duration, pictures string) Verdict {
	history := make([]porcupine.Operation, 0, len(operations))
	for _, operation := range operations {
		end, told := int64(math.MaxInt64), operation.Output
		if operation.Return == nil {
			told.Unknown = true
		} else {
			end = *operation.Return
		}
		history = append(history, porcupine.Operation{
			ClientId: operation.Client, Input: operation, Call: operation.Call, Output: told, Return: end,
		})
	}
	verdict := Verdict{Node: name, Operations: len(operations)}
	result, info := porcupine.CheckOperationsVerbose(model, history, timeout)
	verdict.Result = string(result)
	if result == porcupine.Illegal && pictures != "" {
		picture := filepath.Join(pictures, strings.Trim(strings.ReplaceAll(name, "/", "-"), "-")+".html")
		if err := porcupine.VisualizePath(model, info, picture); err == nil {
			verdict.Picture = picture
		}
	}
	return verdict
}

func main() {
	var request Request
	if err := json.NewDecoder(os.Stdin).Decode(&request); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	names := make([]string, 0, len(request.Nodes))
	for name := range request.Nodes {
		names = append(names, name)
	}
	sort.Strings(names)
	verdicts := make([]Verdict, 0, len(names))
	timeout := time.Duration(request.TimeoutMs) * time.Millisecond
	for _, name := range names {
		verdicts = append(verdicts, check(name, request.Nodes[name], timeout, request.Pictures))
	}
	if err := json.NewEncoder(os.Stdout).Encode(verdicts); err != nil {
		os.Exit(1)
	}
}
