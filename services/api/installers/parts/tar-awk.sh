# shellcheck shell=sh
# What the awk programs of the TAR installer share. Shell loops over 3,000 files take ten seconds, one awk takes a tenth
# of one; everything that looks at rows is awk, and what has to be done comes out as shell lines of quoted words.
#
# Provides: TAR_AWK (functions), to be put before a program
#   plain(TEXT)      a value of a TSV file, its %XX undone
#   coded(TEXT)      the other way round
#   q(TEXT)          quoted for the shell, whatever bytes are in it
#   dirn(P) base(P)  of an absolute path; "" is the root
#   rows(FILE, W)    reads files.tsv into the arrays rt rm ro rg rf rz rs rd rc ri rh rl rp rD, indexed W "n"; their count
#   words(NAME, LIST, COUNT, HEAD)   prints calls `NAME HEAD word …`, 200 words each
# Only what POSIX and busybox awk, mawk 1.3.3 and gawk agree on: no intervals, no character classes, no gensub.

# shellcheck disable=SC2016,SC2034 # awk's variables; used by the other parts
TAR_AWK='
BEGIN {
  FS = "\t"
  for (awk_i = 1; awk_i < 128; awk_i++) {
    CHAR[sprintf("%02X", awk_i)] = sprintf("%c", awk_i)
    if (awk_i < 32 || awk_i == 127 || awk_i == 37) CODE[sprintf("%c", awk_i)] = sprintf("%%%02X", awk_i)
  }
  QUOTE = sprintf("%c", 39)
}
function plain(s,   o, i) {
  if (s == "-") return ""
  while ((i = index(s, "%")) > 0) {
    o = o substr(s, 1, i - 1) CHAR[substr(s, i + 1, 2)]
    s = substr(s, i + 3)
  }
  return o s
}
function coded(s,   o, i, c) {
  if (s == "") return "-"
  if (s == "-") return "%2D"
  for (i = 1; i <= length(s); i++) {
    c = substr(s, i, 1)
    o = o ((c in CODE) ? CODE[c] : c)
  }
  if (substr(o, 1, 1) == "#") o = "%23" substr(o, 2)
  return o
}
function q(s,   n, i, o, a) {
  if (index(s, QUOTE) == 0) return QUOTE s QUOTE
  n = split(s, a, QUOTE)
  o = QUOTE a[1]
  for (i = 2; i <= n; i++) o = o QUOTE "\\" QUOTE QUOTE a[i]
  return o QUOTE
}
function dirn(p) { sub(/\/[^\/]*$/, "", p); return p }
function base(p) { sub(/^.*\//, "", p); return p }
function rows(file, w,   n, line, c) {
  while ((getline line < file) > 0) {
    if (substr(line, 1, 1) == "#") continue
    if (split(line, c, "\t") != 15) { print "not 15 columns in " file > "/dev/stderr"; exit 3 }
    n++
    rt[w n] = c[1]; rm[w n] = c[2]; ro[w n] = plain(c[3]); rg[w n] = plain(c[4]); rf[w n] = c[5]
    rz[w n] = c[6]; rmt[w n] = c[7]; rs[w n] = c[8]; rd[w n] = c[9]; rc[w n] = plain(c[10]); ri[w n] = plain(c[11])
    rh[w n] = c[12]; rl[w n] = plain(c[13]); rp[w n] = plain(c[14]); rD[w n] = plain(c[15])
    if (rD[w n] != "/") sub(/\/+$/, "", rD[w n])
    if (rD[w n] == "/") rD[w n] = ""
  }
  close(file)
  return n + 0
}
function words(out, name, list, count, head,   i, line, k) {
  for (i = 1; i <= count; i++) {
    if (k == 0) line = name head
    line = line " " q(list[i])
    if (++k == 200) { print line " || return" > out; k = 0 }
  }
  if (k > 0) print line " || return" > out
}
'

# What TEXT was before it was put into a TSV file.
tar_plain() {
  case $1 in
    *%*) printf '%s\n' "$1" | awk "$TAR_AWK"'{ printf "%s", plain($0) }' ;;
    *) printf '%s' "$1" ;;
  esac
}

# The value of KEY in a file of lines `key TAB value`; nothing when absent or '-'.
tar_value() {
  [ -f "$1" ] || return 0
  awk "$TAR_AWK"'$1 == "'"$2"'" { print plain($2); exit }' "$1"
}
