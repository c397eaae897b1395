# shellcheck shell=sh
# What is on the disk against what was installed, in the letters of `rpm -V`.
#
# Provides
#   tar_verify NAME    prints differing files; 0: none but %config. 1: some. 2: not installed
#   tar_is_whole       of TAR_HOME: nothing is missing, no content differs, %config aside; else TAR_WHY says what
# Letters: S size, M mode and type, 5 content, L link, U user, G group, T time, D device; 'missing'.

tar_verify() {
  tar_meet "$1"
  TAR_VERIFY_FILES=$TAR_HOME/pkg/meta/files.tsv
  [ -f "$TAR_VERIFY_FILES" ] || return 2
  tar_verified "$TAR_VERIFY_FILES"
  cat "$WORK_DIR/verify/text"
  [ ! -s "$WORK_DIR/verify/bad" ]
}

tar_is_whole() {
  tar_verified "$TAR_HOME/pkg/meta/files.tsv"
  TAR_WHY=$(sed -n 1p "$WORK_DIR/verify/broken")
  [ -z "$TAR_WHY" ]
}

tar_verified() {
  rm -rf "$WORK_DIR/verify"
  mkdir "$WORK_DIR/verify"
  TAR_VERIFY_FILES=$1 TAR_VERIFY_DIR=$WORK_DIR/verify TAR_KINDS=$WORK_DIR/verify/kinds TAR_SCRIPT=$WORK_DIR/verify/look.sh
  export TAR_VERIFY_FILES TAR_VERIFY_DIR TAR_KINDS TAR_SCRIPT
  for tar_verify_out in text bad broken digests links stat kinds; do : >"$TAR_VERIFY_DIR/$tar_verify_out"; done
  tar_verify_look kind 'words(o, "tar_kinds", ALL, n, "")' >"$TAR_KINDS"
  tar_verify_look digests 'words(o, "tar_digests", FILES, nf, "")' >"$TAR_VERIFY_DIR/digests"
  tar_verify_look links 'words(o, "tar_targets", LINKS, nl, "")' >"$TAR_VERIFY_DIR/links"
  tar_verify_look stat 'words(o, "tar_full_stat", THERE, nt, "")' >"$TAR_VERIFY_DIR/stat"
  tar_unknown_owners "$TAR_VERIFY_FILES" >"$TAR_VERIFY_DIR/unknown"
  awk "$TAR_AWK$TAR_VERIFY"
}

tar_kinds() {
  for tar_kinds_path in "$@"; do tar_kind "$tar_kinds_path"; done
}

tar_targets() {
  for tar_targets_path in "$@"; do tar_target "$tar_targets_path"; done
}

tar_full_stat() {
  stat -c '%F|%a|%U|%G|%s|%Y|%t:%T' "$@"
}

# Lists what is there, in the order of files.tsv, and looks at it.
tar_verify_look() {
  : >"$TAR_SCRIPT"
  awk "$TAR_AWK"'
    BEGIN {
      o = ENVIRON["TAR_SCRIPT"]
      n = rows(ENVIRON["TAR_VERIFY_FILES"], "o")
      for (i = 1; i <= n; i++) {
        p = ALL[i] = rD["o" i] == "" ? "/" : rD["o" i]
        if ((getline k < ENVIRON["TAR_KINDS"]) <= 0) continue
        sub(/\t.*/, "", k)
        if (k == "-") continue
        THERE[++nt] = p
        if (k == "f" && rt["o" i] == "f") FILES[++nf] = p
        if ((k == "l" || k == "D") && rt["o" i] == "l") LINKS[++nl] = p
      }
      '"$2"'
    }'
  # shellcheck disable=SC1090 # made just above
  . "$TAR_SCRIPT" 2>&9
}

# shellcheck disable=SC2016 # awk's variables
TAR_VERIFY='
function next_of(name,   line) { if ((getline line < (ENVIRON["TAR_VERIFY_DIR"] "/" name)) <= 0) return ""; return line }
function letter(yes, l) { return yes ? l : "." }
function type_of(f) {
  if (f ~ /^regular/) return "f"
  if (f == "directory") return "d"
  if (f == "symbolic link") return "l"
  if (f == "fifo") return "p"
  if (f == "socket") return "s"
  return f ~ /^character/ ? "c" : f ~ /^block/ ? "b" : "?"
}
function hex(s,   i, v) {
  s = tolower(s)
  for (i = 1; i <= length(s); i++) v = v * 16 + index("0123456789abcdef", substr(s, i, 1)) - 1
  return v + 0
}
BEGIN {
  D = ENVIRON["TAR_VERIFY_DIR"]
  n = rows(ENVIRON["TAR_VERIFY_FILES"], "o")
  while ((getline line < (D "/unknown")) > 0) UNKNOWN[plain(line)] = 1
  for (i = 1; i <= n; i++) {
    k = "o" i
    kind = next_of("kinds")
    sub(/\t.*/, "", kind)
    ghost = index(rf[k], "g")
    config = index(rf[k], "c")
    mark = config ? "c" : index(rf[k], "d") ? "d" : ghost ? "g" : index(rf[k], "l") ? "l" : index(rf[k], "r") ? "r" : " "
    path = coded(rD[k] == "" ? "/" : rD[k])
    if (kind == "-" || kind == "") {
      if (ghost || index(rf[k], "m")) continue
      print "missing   " mark " " path > (D "/text")
      if (!config) { print "missing: " path > (D "/broken"); print path > (D "/bad") }
      continue
    }
    split(next_of("stat"), s, "|")
    type = type_of(s[1])
    digest = kind == "f" && rt[k] == "f" ? next_of("digests") : ""
    target = (kind == "l" || kind == "D") && rt[k] == "l" ? next_of("links") : ""
    # A directory may have become a link to one; an admin moved it, and rpm keeps to that as well.
    if (rt[k] == "d" && kind == "D") continue
    # An owner that does not exist here: root in its place, and no setuid or setgid bit.
    if (("user " ro[k]) in UNKNOWN || ("group " rg[k]) in UNKNOWN) if (substr(rm[k], 1, 1) ~ /[2-7]/) rm[k] = "0" substr(rm[k], 2)
    if (("user " ro[k]) in UNKNOWN) ro[k] = "root"
    if (("group " rg[k]) in UNKNOWN) rg[k] = "root"
    mode = s[2]
    while (length(mode) < 4) mode = "0" mode
    M = type != rt[k] || (type != "l" && mode != rm[k])
    S = !ghost && type == "f" && rt[k] == "f" && s[5] != rz[k]
    five = !ghost && type == "f" && rt[k] == "f" && digest != rs[k]
    L = !ghost && type == "l" && rt[k] == "l" && target != rl[k]
    U = s[3] != ro[k]
    G = s[4] != rg[k]
    T = !ghost && type == "f" && rt[k] == "f" && s[6] != rmt[k]
    split(s[7], dv, ":")
    dev = (type == "c" || type == "b") && hex(dv[1]) ":" hex(dv[2]) != rd[k]
    if (type != rt[k]) five = L = 0
    if (ghost) { M = M && type != rt[k]; U = G = 0 }
    text = letter(S, "S") letter(M, "M") letter(five, "5") letter(dev, "D") letter(L, "L") letter(U, "U") letter(G, "G") letter(T, "T") "."
    if (text == ".........") continue
    print text "  " mark " " path > (D "/text")
    if (config) continue
    print path > (D "/bad")
    if (type != rt[k] && !ghost) print path " is no longer what it was" > (D "/broken")
    else if (five || L) print path " was changed" > (D "/broken")
  }
}'
