# shellcheck shell=sh
# An admin's own TAR: no pkg/meta, so it is made here, and then everything goes its usual way: what lies in the TAR goes
# to /opt/scyld/NAME, what lies below ./pkg is copied into the system, pre and post scripts are run.
#
# Provides
#   tar_make_own VERSION     writes TAR_TREE/pkg/meta
#   tar_own_name FILE        the name that a file name implies: NAME[-VERSION-RELEASE[.ARCH]].tar[.gz…]; OWN_VERSION
# Scripts: pkg/scripts/SLOT or pkg/SLOT, as SLOT, SLOT.sh, SLOTinst, SLOT-install.sh and the like; with the interpreter
# of their #! line, else /bin/sh.
# Rules that differ from an RPM's: what is below /etc is %config (a file changed on the node is kept as .rpmsave or
# .rpmorig); folders that the system has already keep their owner and mode; an owner by number only is root.

tar_own_name() {
  OWN_NAME=${1##*/}
  OWN_NAME=${OWN_NAME%.tar*}
  OWN_NAME=${OWN_NAME%.t[gbx]z}
  OWN_VERSION=0
  tar_own_rest=$(printf '%s\n' "$OWN_NAME" |
    sed -n -e 's/^\(.*\)-\([0-9][^-]*-[^-]*\)$/\1 \2/p' -e t -e 's/^\(.*\)-\([0-9][^-]*\)$/\1 \2/p')
  [ -n "$tar_own_rest" ] || return 0
  OWN_NAME=${tar_own_rest%% *}
  OWN_VERSION=${tar_own_rest#* }
  for tar_own_arch in x86_64 aarch64 noarch amd64 arm64 all; do OWN_VERSION=${OWN_VERSION%."$tar_own_arch"}; done
}

tar_make_own() {
  # A TAR made of a folder rather than in it.
  if [ ! -d "$TAR_TREE/pkg" ] && [ -d "$TAR_TREE/$TAR_NAME" ] && [ "$(ls -A "$TAR_TREE")" = "$TAR_NAME" ]; then
    mv "$TAR_TREE/$TAR_NAME" "$TAR_TREE.part" && rmdir "$TAR_TREE" && mv "$TAR_TREE.part" "$TAR_TREE" ||
      tar_fail "$E_NO_SPACE" "$TAR_TREE cannot be written"
  fi
  rm -rf "$TAR_TREE/pkg/meta"
  mkdir -p "$TAR_TREE/pkg/meta" || tar_fail "$E_NO_SPACE" "$TAR_TREE cannot be written"
  if ! (cd "$TAR_TREE" && tar_own_files && tar_own_package "$1" && tar_own_scripts) 2>"$WORK_DIR/tar-lines"; then
    tar_fail "$E_DAMAGED" "the TAR of $TAR_NAME cannot be read ($(sed -n '$p' "$WORK_DIR/tar-lines")); nothing was changed"
  fi
}

# In TAR_TREE, one line a file: the rows of files.tsv.
tar_own_files() {
  find . -name "*$TAR_NEWLINE*" | grep -q . && echo 'a name with a line break' >&2 && return 1
  find . ! -path . ! -path ./pkg ! -path './pkg/meta*' ! -path './pkg/scripts*' ! -path './pkg/triggers*' |
    LC_ALL=C sort >"$WORK_DIR/own-names"
  tr '\n' '\0' <"$WORK_DIR/own-names" | xargs -0 stat -c '%F|%a|%s|%Y' >"$WORK_DIR/own-stat" || return
  find . -type f | tr '\n' '\0' | xargs -0 sha256sum >"$WORK_DIR/own-sums" || return
  find . -type l >"$WORK_DIR/own-links"
  while IFS= read -r tar_own_link; do
    printf '%s\t%s\n' "$tar_own_link" "$(readlink "$tar_own_link")"
  done <"$WORK_DIR/own-links" >"$WORK_DIR/own-targets"
  while IFS= read -r tar_own_path; do
    case $tar_own_path in ./pkg/*) tar_own_path=${tar_own_path#./pkg} ;; *) tar_own_path=$TAR_HOME/${tar_own_path#./} ;; esac
    if [ -d "$tar_own_path" ]; then echo there; else echo new; fi
  done <"$WORK_DIR/own-names" >"$WORK_DIR/own-there"
  TAR_OWN_DIR=$WORK_DIR TAR_OWN_OLD=$TAR_HOME/pkg/meta/files.tsv
  export TAR_OWN_DIR TAR_OWN_OLD TAR_HOME
  awk "$TAR_AWK$TAR_OWN" >pkg/meta/files.tsv && sed 's/^\(\\\{0,1\}[0-9a-f]*  \)\.\//\1/' "$WORK_DIR/own-sums" |
    grep -v '^[^ ]*  pkg/meta/' >pkg/meta/SHA256SUMS || :
}

# shellcheck disable=SC2016 # awk's variables
TAR_OWN='
function next_of(name,   line) { if ((getline line < (D "/" name)) <= 0) exit 5; return line }
BEGIN {
  D = ENVIRON["TAR_OWN_DIR"]; HOME = ENVIRON["TAR_HOME"]
  while ((getline line < (D "/tar-facts")) > 0) {
    n = split(line, c, "\t")
    if (c[1] == "owner") { USER["./" c[4]] = c[2]; GROUP["./" c[4]] = c[3] }
  }
  while ((getline line < (D "/own-sums")) > 0) { sub(/^\\/, "", line); SUM[substr(line, 67)] = substr(line, 1, 64) }
  while ((getline line < (D "/own-targets")) > 0) { i = index(line, "\t"); LINKTO[substr(line, 1, i - 1)] = substr(line, i + 1) }
  n = rows(ENVIRON["TAR_OWN_OLD"], "o")
  for (i = 1; i <= n; i++) if (rt["o" i] == "d") HAD[rD["o" i]] = 1
  print "# diskful 1 files type mode owner group flags size mtime sha256 rdev caps ima hardlink link src dest"
  while ((getline name < (D "/own-names")) > 0) {
    split(next_of("own-stat"), s, "|")
    there = next_of("own-there")
    dest = substr(name, 1, 6) == "./pkg/" ? substr(name, 6) : HOME substr(name, 2)
    if (dest ~ /^\/(pre|post)(un)?(-?inst(all)?)?(\.sh)?$/ && s[1] ~ /^regular/) continue
    type = s[1] ~ /^regular/ ? "f" : s[1] == "directory" ? "d" : s[1] == "symbolic link" ? "l" : s[1] == "fifo" ? "p" : "?"
    if (type == "?") { print "a " s[1] ": " name > "/dev/stderr"; exit 6 }
    if (type == "d" && there == "there" && !(dest in HAD)) continue
    mode = s[2]
    while (length(mode) < 4) mode = "0" mode
    user = USER[name]; group = GROUP[name]
    if (user == "" || user ~ /^[0-9]+$/) user = "root"
    if (group == "" || group ~ /^[0-9]+$/) group = "root"
    print type "\t" (type == "l" ? "0777" : mode) "\t" coded(user) "\t" coded(group) "\t" \
      (type != "d" && substr(dest, 1, 5) == "/etc/" ? "c" : "-") "\t" (type == "f" ? s[3] : 0) "\t" s[4] "\t" \
      (type == "f" ? SUM[name] : "-") "\t-\t-\t-\t-\t" coded(LINKTO[name]) "\t" coded(substr(name, 3)) "\t" coded(dest)
  }
}'

tar_own_package() {
  {
    printf '# diskful 1 package key value\nlayout\t1\nname\t%s\nepoch\t-\nversion\t%s\n' "$TAR_NAME" "${1%-*}"
    printf 'evr\t%s\nnevra\t%s-%s\nhome\t%s\nsource\tno\n' "$1" "$TAR_NAME" "$1" "$TAR_HOME"
  } >pkg/meta/package.tsv
  printf '# diskful 1 units unit why has-install path\n' >pkg/meta/units.tsv
  printf '# diskful 1 triggers number kind type priority args file conditions\n' >pkg/meta/triggers.tsv
}

tar_own_scripts() {
  printf '# diskful 1 scripts slot flags argc args file note\n' >pkg/meta/scripts.tsv
  for tar_own_slot in pretrans pre post preun postun posttrans; do
    for tar_own_script in "pkg/scripts/$tar_own_slot" "pkg/$tar_own_slot"; do
      for tar_own_ending in '' .sh inst inst.sh install install.sh -inst -inst.sh -install -install.sh; do
        [ -f "$tar_own_script$tar_own_ending" ] || continue
        tar_own_args=$(sed -n '1s/^#! *//p' "$tar_own_script$tar_own_ending" | tr -d '\r' | tr -s ' \t' ' ' | sed 's/ $//; s/%/%25/g')
        printf '%s\t-\t1\t%s\t%s\t-\n' "$tar_own_slot" "${tar_own_args:-/bin/sh}" "$tar_own_script$tar_own_ending"
        continue 3
      done
    done
  done >>pkg/meta/scripts.tsv
}
