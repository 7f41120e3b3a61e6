// What Go's text/template makes of a table of templates and data, as JSON.
package main

import (
	"encoding/json"
	"os"
	"strings"
	"text/template"
)

var data = map[string]string{
	"alert": `{"event_type":"access.denied","timestamp":"2024-12-01T10:15:30.123Z","severity":"high","rule":"access-denied-spike",
		"count":12,"threshold":10,"window":"5m","status":"firing","test":false,"repeat":0,
		"actor":{"type":"user","id":"bob@company.com","roles":["viewer","auditor"],"ip_address":"10.0.0.66"},
		"resource":{"type":"topic","id":"payments","path":"kafka://prod/payments"},
		"action":{"operation":"read","result":"denied","duration_ms":7},
		"context":{"environment":"production"},
		"details":{"topics":["orders","payments"],"odd key":"odd","ratio":0.5,"nested":{"a":{"b":[1,2,3]}},"empty":"","none":null,
			"no_topics":[],"flag":true,"by_topic":{"orders":3,"payments":9},"people":[{"name":"Ann","age":31},{"name":"Bob","age":27}]}}`,
	"text":  `"<b>\"O'Reilly\" & söhne</b>\t\n"`,
	"list":  `[1,2,3,4,5]`,
	"empty": `{}`,
	"odd":   `{"markup":"<script>alert('x')</script>","quote":"say \"hi\"","control":"a\u0000b\u0007\u001b[0m\r\n","umlaut":"Müller ß €","emoji":"🚨","slash":"a\\b","url":"a b&c=d/ü?~*","long":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","negative":-42,"big":9007199254740991,"pi":3.14159,"half":0.5,"tiny":0.001,"bool":true}`,
}

var tables = map[string][]string{
	"alert": {
		"", "plain text", "{{ .event_type }}", "{{.event_type}}", "{{	.actor.id	}}", "{{ $.actor.id }}", "{{ $ | len }}",
		":warning: *{{ .event_type }}*\nUser: {{ .actor.id }}\nResource: {{ .resource.id }}\nTime: {{ .timestamp }}\n",
		"a  {{- .severity -}}  b", "a  {{ .severity -}}  \n\n b", "a \n {{- .severity }} b", "{{- .rule }}", "{{ .rule -}}", "a {{- /* c */ -}} b",
		"a {{ .count }} {{- 3 }}", "{{23 -}} < {{- 45}}", "{{-3}}", "{{- -3 -}}", "{{/* nothing */}}x", "{{/* two\nlines }} */}}x", "{{- /* c */}} x",
		"{{ if .test }}T{{ else }}F{{ end }}", "{{ if .count }}yes{{ end }}", "{{ if .repeat }}yes{{ else }}zero{{ end }}",
		"{{ if .details.empty }}yes{{ else }}empty{{ end }}", "{{ if .details.none }}yes{{ else }}nil{{ end }}", "{{ if .details.no_topics }}yes{{ else }}no{{ end }}",
		"{{ if .details.missing }}yes{{ else }}missing{{ end }}", "{{ if .details.flag }}on{{ end }}", "{{ if .details }}has{{ end }}", "{{ if .details.ratio }}r{{ end }}",
		"{{ if eq .severity \"high\" }}H{{ else if eq .severity \"low\" }}L{{ else }}?{{ end }}",
		"{{ if eq .severity \"critical\" }}C{{ else if eq .severity \"high\" }}H{{ else }}?{{ end }}",
		"{{ if eq .severity \"critical\" }}C{{ else if eq .severity \"low\" }}L{{ else }}?{{ end }}",
		"{{ eq .severity \"low\" \"medium\" \"high\" }}", "{{ ne .severity \"high\" }}", "{{ lt .count 13 }} {{ le .count 12 }} {{ gt .count 12 }} {{ ge .count 12 }}",
		"{{ lt \"a\" \"b\" }} {{ gt \"a\" \"b\" }} {{ le \"b\" \"b\" }}", "{{ gt .count .threshold }}", "{{ eq .test false }}", "{{ eq 1 1 }} {{ eq 1.5 1.5 }} {{ lt 1.5 2.5 }}",
		"{{ and .count .severity }}", "{{ and .repeat .severity }}", "{{ or .repeat .severity }}", "{{ or .repeat .details.empty }}|", "{{ not .test }} {{ not .count }}",
		"{{ and (gt .count 10) (eq .severity \"high\") }}", "{{ if and .count (not .test) }}x{{ end }}", "{{ if or (eq .severity \"x\") (eq .rule \"access-denied-spike\") }}x{{ end }}",
		"{{ range .details.topics }}[{{ . }}]{{ end }}", "{{ range .details.no_topics }}x{{ else }}none{{ end }}", "{{ range .details.missing }}x{{ else }}none{{ end }}",
		"{{ range $i, $t := .details.topics }}{{ $i }}={{ $t }} {{ end }}", "{{ range $t := .details.topics }}{{ $t }}/{{ . }} {{ end }}",
		"{{ range $k, $v := .details.by_topic }}{{ $k }}:{{ $v }};{{ end }}", "{{ range .details.by_topic }}{{ . }};{{ end }}",
		"{{ range .details.people }}{{ .name }} ({{ .age }}) {{ $.rule }}{{ end }}", "{{ range $p := .details.people }}{{ $p.name }},{{ end }}",
		"{{ range .details.topics }}{{ if eq . \"payments\" }}{{ break }}{{ end }}{{ . }}{{ end }}", "{{ range .details.topics }}{{ if eq . \"orders\" }}{{ continue }}{{ end }}{{ . }}{{ end }}",
		"{{ range 3 }}{{ . }}{{ end }}", "{{ range $i := 3 }}{{ $i }}{{ end }}", "{{ range $i, $x := .details.topics }}{{ if $i }}, {{ end }}{{ $x }}{{ end }}",
		"{{ with .actor }}{{ .id }} {{ $.rule }}{{ end }}", "{{ with .details.missing }}x{{ else }}no{{ end }}", "{{ with .details.empty }}x{{ else with .actor }}{{ .id }}{{ end }}",
		"{{ with $x := .actor.id }}{{ $x }}{{ . }}{{ end }}", "{{ if $x := .count }}{{ $x }}{{ end }}", "{{ with .details.nested.a }}{{ .b }}{{ end }}",
		"{{ $x := .count }}{{ $x }}{{ $x = 5 }}{{ $x }}", "{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ end }}{{ $x }}", "{{ $x := 1 }}{{ if true }}{{ $x := 2 }}{{ $x }}{{ end }}{{ $x }}",
		"{{ $a := .actor }}{{ $a.id }}/{{ $a.roles }}", "{{ $n := 0 }}{{ range .details.topics }}{{ $n = len . }}{{ end }}{{ $n }}",
		"{{ .severity | printf \"%s!\" }}", "{{ printf \"%s has %d\" .actor.id .count }}", "{{ .count | printf \"%s-%d\" .rule }}", "{{ .severity | printf \"%s\" | printf \"%q\" }}",
		"{{ printf \"%5d|%-5d|%05d|%+d\" .count .count .count .count }}", "{{ printf \"%10s|%-10s|%.3s|%10.3s\" .severity .severity .severity .severity }}",
		"{{ printf \"%v %v %v\" .count .severity .test }}", "{{ printf \"%q\" .details.topics }}", "{{ printf \"%t\" .test }}", "{{ printf \"%f %.2f %8.3f\" .details.ratio .details.ratio .details.ratio }}",
		"{{ printf \"%x %X %x\" .count 255 .severity }}", "{{ printf \"100%%\" }}", "{{ printf \"%v\" .details.topics }}", "{{ printf \"%v\" .details.by_topic }}", "{{ printf \"no verbs\" }}",
		"{{ printf \"%e\" .details.ratio }}", "{{ printf \"%g\" .details.ratio }}", "{{ printf \"%.3d\" .count }}", "{{ printf \"% d\" .count }}", "{{ printf \"%6t|\" .test }}", "{{ printf \"%-8v|%8v|\" .severity .count }}",
		"{{ len .details.topics }} {{ len .severity }} {{ len .details.by_topic }}", "{{ index .details \"odd key\" }}", "{{ index .details.topics 1 }}", "{{ index .details.nested \"a\" \"b\" 2 }}",
		"{{ index .details.people 0 }}", "{{ (index .details.people 1).name }}", "{{ (index .details.people 1).name | printf \"%s?\" }}", "{{ (.actor).id }}", "{{ index .severity 0 }}",
		"{{ slice .severity 1 }} {{ slice .severity 1 3 }} {{ slice .severity }} {{ slice .details.topics 1 }}",
		"{{ print .count .count .severity .severity .count }}", "{{ print \"a\" 1 2 \"b\" true false }}", "{{ print }}|", "{{ println .count .severity }}", "{{ println }}", "{{ print .details.topics }}",
		"{{ .details.topics }}", "{{ .details.by_topic }}", "{{ .actor }}", "{{ .details.nested }}", "{{ .details.people }}", "{{ .details }}", "{{ .details.flag }} {{ .details.ratio }}",
		"{{ \"text\" }} {{ `raw \"text\"` }} {{ \"a\\tb\\\"c\\u00e9\\x41\" }}", "{{ 42 }} {{ -7 }} {{ 0x1F }} {{ 1_000 }} {{ 2.5 }} {{ true }}", "{{ `multi\nline` }}", "{{ 1e3 | printf \"%.1f\" }}", "{{ .5 }}", "{{ 0b101 }} {{ 0o17 }}",
		"{{ .severity\n| printf \"%s\" }}", "{{ printf \"%s\" (print .severity .rule) | len }}", "{{ \"put\" | printf \"%s%s\" \"out\" | printf \"%q\" }}",
		"{{ if not (eq .status \"resolved\") }}{{ .severity }}{{ end }}", "{{ if .actor.ip_address }} from {{ .actor.ip_address }}{{ end }}", "{{ html .rule }}", "{{ .timestamp | urlquery }}",
		"{{ range $i, $p := .details.people }}{{ range $k, $v := $p }}{{ $i }}{{ $k }}{{ $v }} {{ end }}{{ end }}", "{{ range .details.people }}{{ with .age }}{{ . }}{{ end }},{{ end }}",
		"}} {{ .count }} }}", "{ {{ .count }} }", "{{{ .count }}}", "{{ .actor.id }", "{{ .a b }}", "{{ if }}x{{ end }}", "{{ end }}", "{{ else }}", "{{ if .a }}", "{{ range }}{{ end }}", "{{ nope .a }}", "{{ $x }}", "{{ \"open }}", "{{ .count | .severity }}",
		"{{ 'a }}", "{{ eq .severity 'high' }}", "{{ break }}", "{{ .actor-id }}", "{{ .a == .b }}", "{{ (.count }}", "{{ .count) }}", "{{/* open }}", "{{ /* spaced */ }}", "{{ if .a }}{{ else }}{{ else }}{{ end }}", "{{ 1x }}", "{{ \"\\q\" }}", "{{}}", "{{ | }}", "{{ .count | }}", "{{ $x := }}", "{{ $x = 1 }}", "{{ with .a }}{{ else if .b }}{{ end }}", "{{ .count.x }}", "{{ 3.x }}", "{{ .x..y }}",
	},
	"text":  {"{{ . }}", "{{ html . }}", "{{ js . }}", "{{ urlquery . }}", "{{ printf \"%q\" . }}", "{{ printf \"%x\" . }}", "{{ len . }}", "{{ . | html | len }}", "{{ printf \"%.4s\" . }}", "{{ $ }}"},
	"list":  {"{{ . }}", "{{ range . }}{{ . }}{{ end }}", "{{ index . 2 }}", "{{ len . }}", "{{ range $i, $x := . }}{{ if gt $x 3 }}{{ break }}{{ end }}{{ $i }}{{ $x }} {{ end }}", "{{ slice . 1 3 }}", "{{ printf \"%d\" . }}", "{{ index . 9 }}", "{{ .x }}", "{{ range . }}{{ if eq . 2 }}{{ continue }}{{ end }}{{ . }}{{ end }}"},
	"empty": {"{{ if .a }}x{{ end }}", "{{ if . }}x{{ else }}y{{ end }}", "{{ range . }}x{{ else }}y{{ end }}", "{{ with . }}x{{ else }}y{{ end }}", "{{ len . }}", "{{ . }}", "{{ eq .a \"x\" }}", "{{ ne .a \"x\" }}", "{{ not .a }}", "{{ and .a .b }}", "{{ .a.b.c }}", "{{ if and .a .b }}x{{ else }}y{{ end }}", "{{ or .a \"fallback\" }}", "{{ if eq .a \"x\" \"y\" }}1{{ else }}2{{ end }}", "{{ range .a }}1{{ else }}2{{ end }}", "{{ with .a }}1{{ else }}2{{ end }}", "{{ index . \"a\" | not }}"},
	"odd": {
		"{{ html .markup }}", "{{ .markup | js }}", "{{ urlquery .markup }}", "{{ printf \"%q\" .quote }}", "{{ printf \"%q\" .control }}", "{{ js .control }}", "{{ html .control }}", "{{ printf \"%q %s\" .umlaut .umlaut }}", "{{ js .umlaut }}", "{{ printf \"%q\" .emoji }}", "{{ js .emoji }}", "{{ printf \"%x\" .umlaut }}", "{{ js .slash }} {{ printf \"%q\" .slash }}", "{{ urlquery .url }}", "{{ urlquery .umlaut .emoji }}", "{{ len .umlaut }}", "{{ printf \"%.5s|%30s|\" .umlaut .umlaut }}",
		"{{ .negative }} {{ .big }} {{ .half }} {{ .pi }} {{ .tiny }}", "{{ printf \"%d %5d %05d %x %+d\" .negative .negative .negative .negative .negative }}", "{{ printf \"%f %.1f %6.2f|%-8.2f|%08.3f %+.1f\" .pi .pi .pi .pi .pi .pi }}", "{{ printf \"%e %.2e %E\" .pi .tiny .big }}", "{{ printf \"%v %g\" .pi .tiny }}", "{{ lt .negative 0 }} {{ gt .pi 3.0 }} {{ lt .tiny .half }}", "{{ html .quote .slash }}", "{{ slice .long 3 7 }}", "{{ slice .umlaut 0 1 }}", "{{ printf \"%d%%\" .negative }}", "{{ print .negative .half .bool .quote }}", "{{ println .half .bool }}", "{{ eq .bool true }} {{ ne .half 0.5 }}", "{{ printf \"%08d|%-8d|% x\" .negative .negative 255 }}", "{{ printf \"%s %v\" .bool .negative }}",
	},
}

// Integers as int, so that Go prints and compares them as such.
func numbers(value any) any {
	switch value := value.(type) {
	case json.Number:
		if whole, err := value.Int64(); err == nil {
			return int(whole)
		}
		fraction, _ := value.Float64()
		return fraction
	case []any:
		for i := range value {
			value[i] = numbers(value[i])
		}
	case map[string]any:
		for name := range value {
			value[name] = numbers(value[name])
		}
	}
	return value
}

func result(text string, dot any) *string {
	parsed, err := template.New("").Parse(text)
	if err != nil {
		return nil
	}
	var out strings.Builder
	if err := parsed.Execute(&out, dot); err != nil {
		return nil
	}
	written := out.String()
	return &written
}

func main() {
	type vector struct {
		Template string  `json:"template"`
		Data     string  `json:"data"`
		Result   *string `json:"result"`
	}
	all := struct {
		Data    map[string]json.RawMessage `json:"data"`
		Vectors []vector                   `json:"vectors"`
	}{Data: map[string]json.RawMessage{}}
	for _, name := range []string{"alert", "text", "list", "empty", "odd"} {
		all.Data[name] = json.RawMessage(data[name])
		decoder := json.NewDecoder(strings.NewReader(data[name]))
		decoder.UseNumber()
		var dot any
		if err := decoder.Decode(&dot); err != nil {
			panic(err)
		}
		dot = numbers(dot)
		for _, text := range tables[name] {
			all.Vectors = append(all.Vectors, vector{text, name, result(text, dot)})
		}
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(all); err != nil {
		panic(err)
	}
}
