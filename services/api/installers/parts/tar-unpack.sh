# shellcheck shell=sh
# From a TAR to a tree that can be trusted as far as its head node can: nothing of it leaves its folder.
#
# Provides
#   tar_inspect FILE   lists it; dies with E_DAMAGED when it is no TAR, or has an entry that is absolute, has '..', lies
#                      behind a link, is a device, or (made from an RPM) is setuid; sets TAR_BYTES, what it unpacks to
#                      TAR_MADE_FROM (rpm, own), and leaves `owner TAB user TAB group TAB name` lines in WORK_DIR/tar-facts
#   tar_unpack FILE DIR    into the new folder DIR, everything owned by root: owners come by name, later
#   tar_check_sums DIR     every file as SHA256SUMS says
#   tar_unpack_meta FILE DIR   only pkg/meta and pkg/scripts, for a dry run

TAR_BYTES=0
TAR_MADE_FROM=

# What tar has to be told of the compression: busybox does not always see it by itself.
tar_compression() {
  case $(od -An -tx1 -N6 "$1" 2>/dev/null | tr -d ' \n') in
    1f8b*) echo -z ;;
    fd377a585a00) echo -J ;;
    28b52ffd*) echo --zstd ;;
    425a68*) echo -j ;;
    *) echo ;;
  esac
}

# shellcheck disable=SC2016 # awk's variables
TAR_INSPECT='
function bad(text) { if (!failed) print "bad\t" text; failed = 1 }
function clean(name) {
  while (substr(name, 1, 2) == "./") name = substr(name, 3)
  sub(/\/+$/, "", name)
  return name
}
function safe(name, what) {
  if (substr(name, 1, 1) == "/") bad(what " is absolute: " name)
  if (name ~ /(^|\/)\.\.(\/|$)/) bad(what " has ..: " name)
}
function entry(   kind, name, link, at) {
  if (line == "") return
  kind = substr(line, 1, 1)
  if (!match(line, / [0-9,]+ +-?[0-9]+-[0-9][0-9]-[0-9][0-9] [0-9][0-9]:[0-9][0-9](:[0-9][0-9])? /)) { bad("not understood: " line); return }
  name = substr(line, RSTART + RLENGTH)
  owner = substr(line, 1, RSTART - 1)
  sub(/^[^ ]* +/, "", owner)
  at = substr(line, RSTART + 1)
  sub(/ .*/, "", at)
  if (kind == "c" || kind == "b") bad("it has a device: " name)
  if (kind != "-" && kind != "d" && kind != "l" && kind != "h" && kind != "p") bad("unknown kind of entry: " line)
  if (substr(line, 2, 9) ~ /[sS]/) setid = name
  if (kind == "h") {
    if ((i = index(name, " link to ")) == 0) bad("not understood: " line)
    hard(substr(name, i + 9))
    name = substr(name, 1, i - 1)
  } else if (kind == "-" && (i = index(name, " -> ")) > 0) {
    # busybox shows hard links so; a plain name may have an arrow too, and then the rest is no name that was seen.
    link = clean(substr(name, i + 4))
    if (link in FILE) name = substr(name, 1, i - 1)
    else if (link ~ /^\// || link ~ /(^|\/)\.\.(\/|$)/) bad("a hard link out of the tree: " name)
  } else if (kind == "l") {
    # At which arrow the name ends cannot be told: every place counts.
    rest = name
    front = ""
    while ((i = index(rest, " -> ")) > 0) {
      front = front substr(rest, 1, i - 1)
      safe(front, "a name")
      LINK[clean(front)] = 1
      front = front " -> "
      rest = substr(rest, i + 4)
    }
    name = substr(name, 1, index(name, " -> ") - 1)
  }
  safe(name, "a name")
  name = clean(name)
  sub(/ *$/, "", owner)
  sub(/\//, "\t", owner)
  print "owner\t" owner "\t" name
  if (kind == "d") FOLDER[name] = 1
  else {
    if (name in FILE) bad("twice in it: " name)
    FILE[name] = 1
    bytes += at
  }
  if (name == "pkg/meta/package.tsv") ours = 1
  NAMES[++count] = name
}
function hard(target) {
  safe(target, "the target of a hard link")
  if (!(clean(target) in FILE)) bad("a hard link to what is not in it: " target)
}
/^[-a-zA-Z][-a-zA-Z][-a-zA-Z][-a-zA-Z][-a-zA-Z][-a-zA-Z][-a-zA-Z][-a-zA-Z][-a-zA-Z][-a-zA-Z][.+@]? / && / [0-9][0-9]:[0-9][0-9]/ {
  entry()
  line = $0
  next
}
{ line = line "\n" $0 }
END {
  entry()
  for (i = 1; i <= count; i++) {
    name = NAMES[i]
    if ((name in FILE) && (name in FOLDER)) bad("a folder and no folder: " name)
    while (sub(/\/[^\/]*$/, "", name) && !(name in PASSED)) {
      PASSED[name] = 1
      if ((name in LINK) || (name in FILE)) bad("an entry lies behind a link or a file: " NAMES[i])
    }
  }
  if (ours && setid != "") bad("it has a setuid or setgid file: " setid)
  if (!count) bad("it is empty")
  printf "bytes\t%.0f\nours\t%s\n", bytes, ours ? "rpm" : "own"
}'

tar_inspect() {
  tar_flag=$(tar_compression "$1")
  # shellcheck disable=SC2086 # one flag or none
  if ! run_logged tar_list "$WORK_DIR/tar-list" $tar_flag -tvf "$1"; then
    die "$E_DAMAGED" "$1 is no TAR that this node can read: $(sed -n '$p' "$LAST_OUTPUT")"
  fi
  # busybox shows such names without what makes them unsafe, and says so.
  ! grep -qi 'removing leading' "$LAST_OUTPUT" ||
    die "$E_DAMAGED" "$1 is refused, nothing was unpacked: it has absolute names, or names with .."
  awk "$TAR_INSPECT" "$WORK_DIR/tar-list" >"$WORK_DIR/tar-facts"
  tar_inspect_bad=$(sed -n "s/^bad$TAB//p" "$WORK_DIR/tar-facts")
  [ -z "$tar_inspect_bad" ] || die "$E_DAMAGED" "$1 is refused, nothing was unpacked: $tar_inspect_bad"
  TAR_BYTES=$(sed -n "s/^bytes$TAB//p" "$WORK_DIR/tar-facts")
  TAR_MADE_FROM=$(sed -n "s/^ours$TAB//p" "$WORK_DIR/tar-facts")
  rm -f "$WORK_DIR/tar-list"
}

tar_list() {
  tar_list_out=$1
  shift
  tar "$@" >"$tar_list_out"
}

tar_unpack() {
  tar_flag=$(tar_compression "$1")
  mkdir -m 755 "$2" || return
  # shellcheck disable=SC2086
  run_logged tar $tar_flag -x -p -o -f "$1" -C "$2"
}

tar_unpack_meta() {
  tar_flag=$(tar_compression "$1")
  mkdir -p "$2" || return
  # shellcheck disable=SC2086
  run_logged tar $tar_flag -x -o -f "$1" -C "$2" ./pkg/meta
}

tar_check_sums() {
  tar_sums=$1/pkg/meta/SHA256SUMS
  [ -s "$tar_sums" ] || return 0
  # busybox cannot check names that are escaped: those one by one.
  sed '/^\\/d' "$tar_sums" >"$WORK_DIR/sums"
  if [ -s "$WORK_DIR/sums" ]; then
    (cd "$1" && sha256sum -c "$WORK_DIR/sums") >"$WORK_DIR/sums-said" 2>&1 || {
      TAR_WHY=$(grep -v ': OK$' "$WORK_DIR/sums-said" | sed -n 1p)
      return 1
    }
  fi
  sed -n 's/^\\//p' "$tar_sums" | while IFS= read -r tar_sums_line; do
    tar_sums_name=$(printf '%b_' "${tar_sums_line#*  }")
    tar_sums_name=${tar_sums_name%_}
    [ "$(sha256sum <"$1/$tar_sums_name" | cut -d ' ' -f 1)" = "${tar_sums_line%% *}" ] || exit 1
  done || { TAR_WHY='a name with an odd character' && return 1; }
}
