# shellcheck shell=sh
# Owners: by name, as in the RPM; and the users that the RPM asks for in the words of sysusers.d.
#
# Provides
#   tar_user_id NAME       TAR_UID, TAR_USER_KNOWN (no: unknown, TAR_UID is 0; warned once)
#   tar_group_id NAME      TAR_GID, TAR_GROUP_KNOWN
#   tar_forget_owners      after something may have made users
#   tar_unknown_owners FILE   `user NAME` and `group NAME` of a files.tsv, as they stand there, that this node has not
#   tar_create_users PKG   what PKG/meta/users.tsv asks for and is not there yet: by systemd-sysusers, else
#                          useradd and groupadd, else busybox's adduser and addgroup, else in /etc/passwd and /etc/group
#   tar_create_late PKG    the same for the package's own sysusers.d files, after its pre script, which goes first
# A user that was made stays, whatever becomes of the package; rpm does the same.

TAR_USER_LAST=
TAR_GROUP_LAST=
TAR_OWNERS_UNKNOWN=' '

tar_user_id() {
  [ "$1" != "$TAR_USER_LAST" ] || return 0
  tar_owner_id user tar_uid_of "$1"
  TAR_USER_LAST=$1 TAR_USER_KNOWN=$TAR_ID_KNOWN TAR_UID=$TAR_ID
}

tar_group_id() {
  [ "$1" != "$TAR_GROUP_LAST" ] || return 0
  tar_owner_id group tar_gid_of "$1"
  TAR_GROUP_LAST=$1 TAR_GROUP_KNOWN=$TAR_ID_KNOWN TAR_GID=$TAR_ID
}

tar_owner_id() {
  TAR_ID_KNOWN=yes TAR_ID=0
  [ "$3" != root ] || return 0
  if TAR_ID=$("$2" "$3") && [ -n "$TAR_ID" ]; then return 0; fi
  TAR_ID_KNOWN=no TAR_ID=0
  tar_owner_unknown "$1 $3"
}

tar_owner_unknown() {
  case $TAR_OWNERS_UNKNOWN in *" $1 "*) return 0 ;; esac
  TAR_OWNERS_UNKNOWN="$TAR_OWNERS_UNKNOWN$1 "
  warn "$1 does not exist on this node: root in its place"
}

tar_forget_owners() {
  TAR_USER_LAST='' TAR_GROUP_LAST=''
}

tar_unknown_owners() {
  tar_unknown_of user 3 tar_uid_of "$1"
  tar_unknown_of group 4 tar_gid_of "$1"
}

tar_unknown_of() {
  grep -v '^#' "$4" | cut -f "$2" | sort -u >"$WORK_DIR/owner-names"
  while IFS= read -r tar_unknown_name <&3; do
    [ "$tar_unknown_name" = root ] || [ -n "$("$3" "$(tar_plain "$tar_unknown_name")")" ] || echo "$1 $tar_unknown_name"
  done 3<"$WORK_DIR/owner-names"
}

tar_uid_of() {
  case $1 in
    '' | -*) return 1 ;;
    *[!0-9]*) id -u "$1" 2>/dev/null || tar_id_in /etc/passwd "$1" ;;
    *) tar_id_in /etc/passwd "$1" ;; # id would take digits for a number
  esac
}

tar_gid_of() {
  if have getent && tar_gid_line=$(getent group "$1" 2>/dev/null) && [ "${tar_gid_line%%:*}" = "$1" ]; then
    printf '%s\n' "$tar_gid_line" | cut -d : -f 3
  else
    tar_id_in /etc/group "$1"
  fi
}

tar_id_in() {
  [ -f "$1" ] || return 1
  TAR_LOOKED_FOR=$2 awk -F : '$1 == ENVIRON["TAR_LOOKED_FOR"] { print $3; found = 1; exit } END { exit !found }' "$1"
}

tar_create_users() {
  [ -f "$1/meta/users.tsv" ] || return 0
  grep -v '^#' "$1/meta/users.tsv" >"$WORK_DIR/users" || return 0
  tar_make_users
}

tar_create_late() {
  set -- "$1"/usr/lib/sysusers.d/*.conf
  [ -f "$1" ] || return 0
  awk "$TAR_AWK$TAR_SYSUSERS" "$@" >"$WORK_DIR/users"
  [ ! -s "$WORK_DIR/users" ] || tar_make_users
}

# The lines of sysusers.d as rows of users.tsv: words, some of them quoted.
# shellcheck disable=SC2016 # awk's variables
TAR_SYSUSERS='
function word(   w, j) {
  sub(/^[ \t]+/, "", rest)
  if (rest ~ /^"/) { rest = substr(rest, 2); j = index(rest, "\"") } else j = match(rest, /[ \t]/)
  if (j == 0) { w = rest; rest = "" } else { w = substr(rest, 1, j - 1); rest = substr(rest, j + 1) }
  return coded(w)
}
/^[ \t]*[ugm]!?[ \t]/ {
  rest = $0
  sub(/\r$/, "", rest)
  row = ""
  for (i = 1; i <= 6; i++) row = row word() "\t"
  print row coded($0)
}
'

# WORK_DIR/users: seven columns, none of them empty.
tar_make_users() {
  tar_forget_owners
  if have systemd-sysusers; then
    cut -f 7 "$WORK_DIR/users" | awk "$TAR_AWK"'{ print plain($0) }' >"$WORK_DIR/sysusers.conf"
    run_logged systemd-sysusers "$WORK_DIR/sysusers.conf" || log 'systemd-sysusers failed; trying otherwise'
  fi
  while IFS=$TAB read -r tar_user_type tar_user_name tar_user_number tar_user_gecos tar_user_home tar_user_shell _ <&3; do
    case $tar_user_type in
      g*) tar_make_group "$(tar_plain "$tar_user_name")" "$tar_user_number" ;;
      u*) tar_make_user "$(tar_plain "$tar_user_name")" "$tar_user_number" ;;
      m*) tar_make_member "$(tar_plain "$tar_user_name")" "$(tar_plain "$tar_user_number")" ;;
    esac 3<&-
  done 3<"$WORK_DIR/users"
  tar_forget_owners
}

tar_make_group() {
  case $1 in '' | *[!A-Za-z0-9_.-]* | -*) warn "'$1' is no name for a group" && return ;; esac
  [ -z "$(tar_gid_of "$1")" ] || return 0
  case $2 in *[!0-9]* | '') tar_make_gid= ;; *) tar_make_gid=$2 ;; esac
  if have groupadd; then
    run_logged groupadd -r ${tar_make_gid:+-g "$tar_make_gid"} "$1"
  elif have addgroup; then
    run_logged addgroup -S ${tar_make_gid:+-g "$tar_make_gid"} "$1"
  else
    tar_add_line /etc/group "$1:x:${tar_make_gid:-$(tar_free_id /etc/group)}:" 0644
  fi
  [ -n "$(tar_gid_of "$1")" ] || warn "the group $1 cannot be made"
}

tar_make_user() {
  case $1 in '' | *[!A-Za-z0-9_.-]* | -*) warn "'$1' is no name for a user" && return ;; esac
  [ -z "$(tar_uid_of "$1")" ] || return 0
  tar_make_uid=${2%%:*} tar_make_group_=$1
  case $2 in *:*) tar_make_group_=${2#*:} ;; esac
  case $tar_make_uid in *[!0-9]* | '') tar_make_uid= ;; esac
  case $tar_make_group_ in *[!0-9]*) tar_make_group "$tar_make_group_" "$tar_make_uid" ;; esac
  tar_make_home=$(tar_plain "$tar_user_home")
  [ -n "$tar_make_home" ] && [ "$tar_make_home" != - ] || tar_make_home=/
  tar_make_shell=$(tar_plain "$tar_user_shell")
  [ -n "$tar_make_shell" ] && [ "$tar_make_shell" != - ] || tar_make_shell=/usr/sbin/nologin
  tar_make_gecos=$(tar_plain "$tar_user_gecos" | tr -d ':\n')
  [ "$tar_make_gecos" != - ] || tar_make_gecos=
  if have useradd; then
    run_logged useradd -r -M -N -g "$tar_make_group_" ${tar_make_uid:+-u "$tar_make_uid"} -d "$tar_make_home" \
      -s "$tar_make_shell" -c "$tar_make_gecos" "$1"
  elif have adduser; then
    run_logged adduser -S -D -H -G "$tar_make_group_" ${tar_make_uid:+-u "$tar_make_uid"} -h "$tar_make_home" \
      -s "$tar_make_shell" -g "$tar_make_gecos" "$1"
  else
    tar_make_gid=$(tar_gid_of "$tar_make_group_")
    tar_make_uid=${tar_make_uid:-$(tar_free_id /etc/passwd)}
    tar_add_line /etc/passwd "$1:x:$tar_make_uid:${tar_make_gid:-$tar_make_uid}:$tar_make_gecos:$tar_make_home:$tar_make_shell" 0644
    [ ! -f /etc/shadow ] || tar_add_line /etc/shadow "$1:!*:::::::" 0600
  fi
  [ -n "$(tar_uid_of "$1")" ] || warn "the user $1 cannot be made"
}

tar_make_member() {
  case " $(id -nG "$1" 2>/dev/null) " in *" $2 "*) return 0 ;; esac
  if have usermod; then
    run_logged usermod -a -G "$2" "$1"
  elif have addgroup; then
    run_logged addgroup "$1" "$2"
  elif TAR_MEMBER=$1 TAR_GROUP=$2 awk -F : -v OFS=: '
      $1 == ENVIRON["TAR_GROUP"] { $4 = $4 ($4 == "" ? "" : ",") ENVIRON["TAR_MEMBER"] } { print }' \
    /etc/group >/etc/group.diskful; then
    chmod 0644 /etc/group.diskful && mv -f /etc/group.diskful /etc/group
  else
    rm -f /etc/group.diskful
    warn "$1 cannot be made a member of $2"
  fi
}

# The highest number below 1000 that no line has; system users count downwards.
tar_free_id() {
  { cat /etc/passwd /etc/group 2>/dev/null || :; } |
    awk -F : '{ used[$3] = 1 } END { for (i = 999; i > 100 && (i in used); i--); print i }'
}

tar_add_line() {
  if { [ ! -f "$1" ] || cat "$1"; } >"$1.diskful" && printf '%s\n' "$2" >>"$1.diskful" && chmod "$3" "$1.diskful"; then
    mv -f "$1.diskful" "$1"
  else
    rm -f "$1.diskful"
  fi
}
