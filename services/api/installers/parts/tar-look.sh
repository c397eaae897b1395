# shellcheck shell=sh
# What is on the disk where a package's files are, and were, to be: one look at every path, shell builtins only.
#
# Provides
#   tar_look NEW OLD DIR    NEW and OLD are files.tsv (or /dev/null); writes DIR/kinds, DIR/details, DIR/owners, which
#                           TAR_LOOK reads back; false when the disk cannot be read
#   TAR_LOOK                awk: look(); then
#     at(PATH)              canonical place: directory symlinks on the way resolved, the last name left alone
#     there(PLACE)              what is there: "" nothing, f, d, l, D (symlink to a directory), o (anything else)
#     DIR[place]            a directory, or reached as one
#     disk(place)           digest of a file, target of a symlink, where it was asked for
#     dmode duid dgid ddev  of directories (place), where asked for
#     OWNER[place]          another package that owns it
# The same paths are listed in the same order by each program, so that kinds and details need no names in them.

TAR_NEWLINE='
'

# One line per path.
tar_kind() {
  if [ -L "$1" ]; then
    if [ -d "$1" ]; then
      printf 'D\t%s\t%s\t%s\n' "$(stat -c %u "$1")" "$(stat -L -c %u "$1")" "$(readlink -f "$1")"
    else
      echo l
    fi
  elif [ -d "$1" ]; then
    echo d
  elif [ -f "$1" ]; then
    echo f
  elif [ -e "$1" ]; then
    echo o
  else
    echo -
  fi
}

tar_digests() {
  sha256sum "$@" | sed 's/^\\//; s/ .*//'
}

tar_target() {
  tar_target_text=$(readlink "$1")
  case $tar_target_text in
    *"$TAR_NEWLINE"*) echo '?' ;;
    *) printf '%s\n' "$tar_target_text" ;;
  esac
}

tar_dir_stat() {
  stat -c '%a %u %g %d' "$@"
}

# shellcheck disable=SC2016 # awk's variables
TAR_LOOK='
function note(p,   d) {
  if (p == "" || (p in SEEN)) return
  SEEN[p] = 1
  d = dirn(p)
  ONTHEWAY[d] = 1
  note(d)
  PATHS[++NPATHS] = p
}
function collect(   i) {
  NNEW = rows(ENVIRON["TAR_NEW"], "n")
  NOLD = rows(ENVIRON["TAR_OLD"], "o")
  note(ENVIRON["TAR_HOME"] "/pkg")
  note(ENVIRON["TAR_STATE"])
  for (i = 1; i <= NNEW; i++) {
    note(rD["n" i])
    if (index(rf["n" i], "c")) { note(rD["n" i] ".rpmnew"); note(rD["n" i] ".rpmsave"); note(rD["n" i] ".rpmorig") }
  }
  for (i = 1; i <= NOLD; i++) {
    note(rD["o" i])
    if (index(rf["o" i], "c")) { note(rD["o" i] ".rpmnew"); note(rD["o" i] ".rpmsave"); note(rD["o" i] ".rpmorig") }
  }
}
function canon(p,   c, d, j) {
  if (p == "") return ""
  if (p in CANON) return CANON[p]
  CANON[p] = p
  d = canon(dirn(p))
  c = d "/" base(p)
  if (KIND[p] == "D") c = REAL[p]
  else if (KIND[p] == "-" && (p in LINKROW)) {
    # A link that this package brings, with files of the package behind it.
    j = LINKROW[p]
    c = canon(lexical(d, rl["n" j]))
  }
  return CANON[p] = c
}
function lexical(dir, target,   n, a, i, o) {
  if (substr(target, 1, 1) == "/") dir = ""
  n = split(dir "/" target, a, "/")
  o = ""
  for (i = 1; i <= n; i++) {
    if (a[i] == "" || a[i] == ".") continue
    if (a[i] == "..") o = dirn(o)
    else o = o "/" a[i]
  }
  return o
}
function at(p) { return p == "" ? "" : canon(dirn(p)) "/" base(p) }
function kinds(   i, p, line, c) {
  for (i = 1; i <= NNEW; i++) if (rt["n" i] == "l" && !index(rf["n" i], "g")) LINKROW[rD["n" i]] = i
  for (i = 1; i <= NPATHS; i++) {
    if ((getline line < ENVIRON["TAR_KINDS"]) <= 0) broken("kinds")
    split(line, c, "\t")
    p = PATHS[i]
    KIND[p] = c[1]
    if (c[1] == "D") { LUID[p] = c[2]; TUID[p] = c[3]; REAL[p] = c[4] }
  }
  DIR[""] = 1
  for (i = 1; i <= NPATHS; i++) {
    p = PATHS[i]
    if (KIND[p] == "-") continue
    E[at(p)] = KIND[p]
    if (KIND[p] == "d") DIR[at(p)] = 1
    if (KIND[p] == "D") {
      DIR[REAL[p]] = 1
      if (!(REAL[p] in E)) E[REAL[p]] = "d"
      # As rpm: whose link leads a way must be root or own what it leads to.
      if ((p in ONTHEWAY) && LUID[p] != 0 && LUID[p] != TUID[p]) BADLINK[++NBADLINK] = p
    }
  }
  for (i = 1; i <= NOLD; i++) OLDAT[at(rD["o" i])] = i
  for (i = 1; i <= NNEW; i++) NEWAT[at(rD["n" i])] = i
}
# Reading an absent element would make it.
function there(p) { return (p in E) ? E[p] : "" }
function broken(what) { print "cannot look at the disk: " what > "/dev/stderr"; BROKEN = 1; exit 4 }
# The nearest directory that is there already.
function ground(p,   d) {
  if (p in GROUND) return GROUND[p]
  d = dirn(p)
  return GROUND[p] = (d in DIR) ? d : ground(d)
}
function want_digest(p) { if (!(p in WANTED) && there(p) == "f") { WANTED[p] = 1; DIGEST[++NDIGEST] = p } }
function want_target(p) { if (!(p in WANTED) && (there(p) == "l" || there(p) == "D")) { WANTED[p] = 1; TARGET[++NTARGET] = p } }
function want_stat(p) { if (!(p in STATTED)) { STATTED[p] = 1; STAT[++NSTAT] = p } }
function wishes(   i, p, c) {
  want_stat(ENVIRON["TAR_NEWTREE"])
  for (i = 1; i <= NNEW; i++) {
    p = at(rD["n" i])
    if (index(rf["n" i], "g")) continue
    if (rt["n" i] == "d") { if (there(p) == "d") want_stat(p) }
    else want_stat(ground(p))
    c = index(rf["n" i], "c") || ((p in OLDAT) && index(rf["o" OLDAT[p]], "c"))
    if (rt["n" i] != "d" && (c || !(p in OLDAT))) { want_digest(p); want_target(p) }
  }
  for (i = 1; i <= NOLD; i++) {
    p = at(rD["o" i])
    if (!(p in NEWAT) && index(rf["o" i], "c")) want_digest(p)
  }
}
function details(   i, line, c) {
  for (i = 1; i <= NDIGEST; i++) { if ((getline line < ENVIRON["TAR_DETAILS"]) <= 0) broken("digests"); DISK[DIGEST[i]] = line }
  for (i = 1; i <= NTARGET; i++) { if ((getline line < ENVIRON["TAR_DETAILS"]) <= 0) broken("links"); DISK[TARGET[i]] = line }
  for (i = 1; i <= NSTAT; i++) {
    if ((getline line < ENVIRON["TAR_DETAILS"]) <= 0) broken("directories")
    split(line, c, " ")
    dmode[STAT[i]] = c[1]; duid[STAT[i]] = c[2]; dgid[STAT[i]] = c[3]; ddev[STAT[i]] = c[4]
  }
}
function disk(p) { return DISK[p] }
function owners(   line, c) {
  while ((getline line < ENVIRON["TAR_OWNERS"]) > 0) { split(line, c, "\t"); OWNER[plain(c[1])] = c[2] }
}
function look() { collect(); kinds(); wishes(); details(); owners() }
'

tar_look() {
  TAR_NEW=$1 TAR_OLD=$2 TAR_KINDS=$3/kinds TAR_DETAILS=$3/details TAR_OWNERS=$3/owners
  export TAR_NEW TAR_OLD TAR_KINDS TAR_DETAILS TAR_OWNERS TAR_HOME TAR_STATE TAR_NEWTREE
  TAR_SCRIPT=$3/look.sh
  export TAR_SCRIPT
  : >"$TAR_OWNERS" && : >"$TAR_SCRIPT" || return
  awk "$TAR_AWK$TAR_LOOK"'
    BEGIN {
      collect()
      for (i = 1; i <= NPATHS; i++) print "tar_kind " q(PATHS[i]) > ENVIRON["TAR_SCRIPT"]
    }' || return
  # shellcheck disable=SC1090 # made just above
  . "$TAR_SCRIPT" >"$TAR_KINDS" || return
  : >"$TAR_SCRIPT" || return
  awk "$TAR_AWK$TAR_LOOK"'
    BEGIN {
      collect(); kinds(); wishes()
      out = ENVIRON["TAR_SCRIPT"]
      words(out, "tar_digests", DIGEST, NDIGEST, "")
      for (i = 1; i <= NTARGET; i++) print "tar_target " q(TARGET[i]) > out
      for (i = 1; i <= NSTAT; i++) if (STAT[i] == "") STAT[i] = "/"
      words(out, "tar_dir_stat", STAT, NSTAT, "")
    }' || return
  # shellcheck disable=SC1090
  . "$TAR_SCRIPT" >"$TAR_DETAILS" || return
  tar_find_owners "$3"
}
