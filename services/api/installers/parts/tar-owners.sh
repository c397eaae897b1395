# shellcheck shell=sh
# Whose files these are besides: dpkg's, rpm's, another TAR's.
#
# Provides
#   tar_find_owners DIR   after the kinds and details of tar_look; writes DIR/owners, `path TAB owner` for the
#                         places that matter: those that would be overwritten with something else, and those that
#                         would be removed
# dpkg's lists and our own are read as they are (fast); rpm is asked for all its files at once.

tar_find_owners() {
  TAR_ASKED=$1/asked
  export TAR_ASKED
  : >"$TAR_ASKED" || return
  awk "$TAR_AWK$TAR_LOOK$TAR_DECIDE"'
    BEGIN {
      look()
      for (i = 1; i <= NNEW; i++) {
        p = at(rD["n" i])
        if (!(p in E) || (p in OLDAT) || rt["n" i] == "d" || index(rf["n" i], "g") || same_as_disk("n" i, p)) continue
        print coded(p) > ENVIRON["TAR_ASKED"]
      }
      for (i = 1; i <= NOLD; i++) {
        p = at(rD["o" i])
        if ((p in E) && !(p in NEWAT)) print coded(p) > ENVIRON["TAR_ASKED"]
      }
    }
    END { if (BROKEN) exit 4 }' || return
  [ -s "$TAR_ASKED" ] || return 0
  tar_merged_folders >"$1/merged"
  TAR_MERGED=$1/merged
  export TAR_MERGED
  { tar_owned_by_tars && tar_owned_by_dpkg && tar_owned_by_rpm; } >"$1/owners.found" || return
  mv -f "$1/owners.found" "$1/owners"
}

# /lib and its like where they are links; packages name files by either way.
tar_merged_folders() {
  for tar_merged in /bin /sbin /lib /lib64 /lib32 /libx32; do
    [ ! -L "$tar_merged" ] || printf '%s\t%s\n' "$tar_merged" "$(readlink -f "$tar_merged")"
  done
}

# shellcheck disable=SC2016 # awk's variables
TAR_ASK='
BEGIN {
  while ((getline line < ENVIRON["TAR_ASKED"]) > 0) ASKED[plain(line)] = line
  while ((getline line < ENVIRON["TAR_MERGED"]) > 0) { split(line, c, "\t"); MERGED[c[1]] = c[2] }
}
function answer(p, who,   top) {
  if (!(p in ASKED)) {
    top = substr(p, 2)
    sub(/\/.*/, "", top)
    top = "/" top
    if (!(top in MERGED)) return
    p = MERGED[top] substr(p, length(top) + 1)
    if (!(p in ASKED)) return
  }
  if (p in TOLD) return
  TOLD[p] = 1
  print ASKED[p] "\t" who
}
'

tar_owned_by_tars() {
  for tar_owned_list in "$TAR_STATE"/*/pkg/meta/files.tsv; do
    tar_owned_home=${tar_owned_list%/pkg/meta/files.tsv}
    [ -f "$tar_owned_list" ] && [ "$tar_owned_home" != "$TAR_HOME" ] || continue
    TAR_OWNED_LIST=$tar_owned_list TAR_OWNED_WHO=${tar_owned_home##*/} awk "$TAR_AWK$TAR_ASK"'
      BEGIN {
        n = rows(ENVIRON["TAR_OWNED_LIST"], "x")
        for (i = 1; i <= n; i++) if (!index(rf["x" i], "g")) answer(rD["x" i], "the package " ENVIRON["TAR_OWNED_WHO"] " (TAR)")
      }' || return
  done
}

tar_owned_by_dpkg() {
  set -- /var/lib/dpkg/info/*.list
  [ -f "$1" ] || return 0
  awk "$TAR_AWK$TAR_ASK"'
    FNR == 1 { who = FILENAME; sub(/.*\//, "", who); sub(/\.list$/, "", who) }
    { answer($0, "the package " who " (dpkg)") }' "$@"
}

tar_owned_by_rpm() {
  [ -n "$RPM" ] || RPM=$(program rpm) || return 0
  for tar_rpm_db in /var/lib/rpm /usr/lib/sysimage/rpm /usr/share/rpm; do
    for tar_rpm_file in rpmdb.sqlite Packages Packages.db; do
      [ -s "$tar_rpm_db/$tar_rpm_file" ] || continue
      "$RPM" -qa --queryformat '[%{=NAME}\t%{FILENAMES}\n]' 2>/dev/null >"$WORK_DIR/rpm-files" || :
      awk "$TAR_AWK$TAR_ASK"'{ answer($2, "the package " $1 " (rpm)") }' "$WORK_DIR/rpm-files"
      return
    done
  done
}
