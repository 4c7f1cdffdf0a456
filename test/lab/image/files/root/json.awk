# Flattens JSON to lines of "path<TAB>value": [{"id":"a"}] gives "0.id<TAB>a" and
# "length<TAB>1". Key order and white space do not matter.
# What is no JSON ends it with exit code 1.
function skip() { sub(/^[ \t\r\n]+/, "", text) }
function bad() { failed = 1; exit 1 }

# Takes the string at the head of the text, which begins with a quote.
function string(   raw, plain, at, escape) {
  if (!match(text, /^"([^"\\]|\\.)*"/)) bad()
  raw = substr(text, 2, RLENGTH - 2)
  text = substr(text, RLENGTH + 1)
  plain = ""
  while ((at = index(raw, "\\")) > 0) {
    escape = substr(raw, at + 1, 1)
    # Control characters and \u have no business in names, paths and addresses.
    if (escape !~ /["\\\/]/) bad()
    plain = plain substr(raw, 1, at - 1) escape
    raw = substr(raw, at + 2)
  }
  return plain raw
}

function join(path, name) { return path == "" ? name : path "." name }

function value(path,   i, key) {
  skip()
  if (text ~ /^[{]/) {
    text = substr(text, 2); skip()
    if (text ~ /^[}]/) { text = substr(text, 2); return }
    for (;;) {
      skip(); key = string(); skip()
      if (text !~ /^:/) bad()
      text = substr(text, 2)
      value(join(path, key)); skip()
      if (text ~ /^,/) { text = substr(text, 2); continue }
      if (text !~ /^[}]/) bad()
      text = substr(text, 2); return
    }
  }
  if (text ~ /^\[/) {
    text = substr(text, 2); skip()
    if (text ~ /^\]/) { text = substr(text, 2); print join(path, "length") "\t0"; return }
    for (i = 0; ; i++) {
      value(join(path, i)); skip()
      if (text ~ /^,/) { text = substr(text, 2); continue }
      if (text !~ /^\]/) bad()
      text = substr(text, 2); print join(path, "length") "\t" (i + 1); return
    }
  }
  if (text ~ /^"/) { print path "\t" string(); return }
  if (!match(text, /^[-+.0-9a-zA-Z]+/)) bad()
  print path "\t" substr(text, 1, RLENGTH)
  text = substr(text, RLENGTH + 1)
}

{ text = text $0 "\n" }
END {
  if (failed) exit 1
  value(""); skip()
  exit text == "" ? 0 : 1
}
