# shellcheck shell=sh
# Units: enabled, never started, with systemctl or without.
#
# Provides
#   hold_services         from here on SYSTEMD_OFFLINE=1: systemctl changes links and starts nothing (239 and later);
#                         warns where an older one cannot be held back either
#   let_services          takes that back
#   without_starts CMD..  runs CMD so that, while services are held, no systemctl in it starts anything
#   enable_unit UNIT      0: enabled (kept in ENABLED). 1: no such unit. 2: it cannot be enabled; warned
#   enable_services       the head node's list (SERVED_SERVICES); a unit that is not there is a warning, or only a
#                         remark where somebody chose other packages, on the node or for CLIENT_PACKAGES
#   units_named           reads scriptlets, prints the units that they enable or preset
#   reload_systemd        lets a running systemd read the new units; starts nothing
# Variables: ENABLED (blank separated units), UNIT_ROOT ('' or another root, for tests)

ENABLED=
UNIT_ROOT=
COVER_SYSTEMCTL=no

hold_services() {
  SYSTEMD_OFFLINE=1
  export SYSTEMD_OFFLINE
  COVER_SYSTEMCTL=no
  if [ ! -d /run/systemd/system ] || start_is_held; then return 0; fi
  # An older systemctl (RHEL 7 has 219) asks nobody: in a mount namespace of each command's own another one lies over
  # it, which leaves out whatever starts. It is gone with the command, however that ends.
  if unshare -m true 2>/dev/null; then
    COVER_SYSTEMCTL=yes
  else
    warn 'this systemd is older than 239 and no mount namespace can be made: scriptlets may start services'
  fi
}

let_services() {
  unset SYSTEMD_OFFLINE
  COVER_SYSTEMCTL=no
}

without_starts() {
  if [ "$COVER_SYSTEMCTL" = no ]; then
    "$@"
    return
  fi
  without_starts_real=$(readlink -f "$(command -v systemctl)")
  printf '%s\nexec %s "$@"\n' "$SYSTEMCTL_WITHOUT_STARTS" "$STATE_DIR/systemctl.real" >"$STATE_DIR/systemctl" && : >"$STATE_DIR/systemctl.real" &&
    chmod 755 "$STATE_DIR/systemctl" "$STATE_DIR/systemctl.real"
  unshare -m /bin/sh -c "$MOUNT_SYSTEMCTL" sh "$STATE_DIR" "$without_starts_real" "$@"
}

# shellcheck disable=SC2016 # for the inner shell
MOUNT_SYSTEMCTL='
state=$1 real=$2
shift 2
mount --make-rprivate / 2>/dev/null
mount --bind "$real" "$state/systemctl.real" && mount --bind "$state/systemctl" "$real" &&
  mount -o remount,bind,exec "$real" || echo "diskful: systemctl cannot be covered: scriptlets may start services" >&2
exec "$@"
'

# shellcheck disable=SC2016 # for the script that it is
SYSTEMCTL_WITHOUT_STARTS='#!/bin/sh
verb=
for word; do
  shift
  case $word in
    --now) continue ;;
    -*) ;;
    *) [ -n "$verb" ] || verb=$word ;;
  esac
  set -- "$@" "$word"
done
case $verb in
  *start | *reload* | stop | isolate | kill | daemon-re* | reset-failed | reboot | poweroff | halt | kexec | default | \
    rescue | emergency | set-property) echo "diskful: systemctl $verb is left to the next boot" && exit 0 ;;
esac'

systemd_version() {
  systemctl --version 2>/dev/null | sed -n '1s/^systemd \([0-9]\{1,\}\).*/\1/p'
}

# Does systemctl know SYSTEMD_OFFLINE?
start_is_held() {
  start_is_held_version=$(systemd_version)
  [ -z "$start_is_held_version" ] || [ "$start_is_held_version" -ge 239 ]
}

enable_services() {
  [ "$ENABLE" = yes ] || return 0
  for enable_services_unit in $SERVED_SERVICES; do
    enable_unit "$enable_services_unit"
    [ $? -eq 1 ] || continue
    if [ "$PACKAGES_CHOSEN" = no ] && [ "${SERVED_SERVICES_EXPECTED:-yes}" = yes ]; then
      warn "$enable_services_unit is not on this node although the head node wants it enabled"
    else
      say "$enable_services_unit is not on this node: not enabled"
    fi
  done
}

enable_unit() {
  case $1 in
    *.service | *.socket | *.timer | *.path | *.mount | *.target | *.automount | *.slice | *.swap) enable_name=$1 ;;
    *) enable_name=$1.service ;;
  esac
  case $enable_name in *[!A-Za-z0-9:_.@\\-]*) return 1 ;; esac
  case " $ENABLED " in *" $enable_name "*) return 0 ;; esac
  enable_file=$(unit_file "$enable_name") || return 1
  if other_init; then
    warn "$enable_name is not enabled: this node does not run systemd"
    return 2
  fi
  if have systemctl; then
    if ! enable_by_systemctl "$enable_name"; then
      warn "$enable_name cannot be enabled: $(sed -n '$p' "$LAST_OUTPUT")"
      return 2
    fi
  else
    ENABLE_LINKS=0 ENABLE_SEEN=' '
    enable_by_links "$enable_name" "$enable_file"
    [ "$ENABLE_LINKS" -gt 0 ] || { log "$enable_name has nothing to enable" && return 0; }
  fi
  ENABLED="$ENABLED${ENABLED:+ }$enable_name"
}

enable_by_systemctl() {
  # 239 and later change only links when they are told to be offline; before that --root does the same.
  if start_is_held; then
    run_logged systemctl enable "$1"
  else
    run_logged systemctl --root=/ enable "$1" || run_logged systemctl enable "$1"
  fi
}

unit_file() {
  for unit_file_dir in /etc/systemd/system /usr/local/lib/systemd/system /usr/lib/systemd/system /lib/systemd/system; do
    for unit_file_name in "$1" "$(printf '%s' "$1" | sed 's/@.\{1,\}\(\.[a-z]*\)$/@\1/')"; do
      if [ -f "$UNIT_ROOT$unit_file_dir/$unit_file_name" ]; then
        echo "$unit_file_dir/$unit_file_name"
        return 0
      fi
    done
  done
  return 1
}

# OpenRC or sysvinit, and no systemd: links for systemd would only look enabled.
other_init() {
  [ ! -d /run/systemd/system ] || return 1
  for other_init_file in /lib/systemd/systemd /usr/lib/systemd/systemd; do
    [ ! -e "$UNIT_ROOT$other_init_file" ] || return 1
  done
  have systemctl && return 1
  have rc-update || [ -f "$UNIT_ROOT/etc/inittab" ]
}

# What `systemctl enable` would do: links for WantedBy, RequiredBy and Alias, then the same for Also.
enable_by_links() {
  case $ENABLE_SEEN in *" $1 "*) return 0 ;; esac
  ENABLE_SEEN="$ENABLE_SEEN$1 "
  # A later Also calls this function again and its variables with it: everything that is needed after the call
  # stands in the positional parameters.
  set -- "$1" "$2" "$(install_values "$2" Also)"
  link_instance=$1
  case $1 in
    *@.*)
      link_default=$(install_values "$2" DefaultInstance | sed -n '$p')
      [ -n "$link_default" ] && link_instance=${1%%@*}@$link_default.${1##*.}
      ;;
  esac
  if [ "$link_instance" != "${link_instance%@.*}" ]; then
    log "$1 is a template without a default instance"
  else
    for link_target in $(install_values "$2" WantedBy); do
      unit_link "$2" "/etc/systemd/system/$(unit_specifiers "$link_target" "$link_instance").wants/$link_instance"
    done
    for link_target in $(install_values "$2" RequiredBy); do
      unit_link "$2" "/etc/systemd/system/$(unit_specifiers "$link_target" "$link_instance").requires/$link_instance"
    done
    for link_target in $(install_values "$2" Alias); do
      unit_link "$2" "/etc/systemd/system/$(unit_specifiers "$link_target" "$link_instance")"
    done
  fi
  for link_also in $3; do
    link_also_file=$(unit_file "$link_also") && enable_by_links "$link_also" "$link_also_file"
  done
}

# The words of KEY in [Install], lines continued by \ included.
install_values() {
  sed -e ':more' -e '/\\$/{' -e 'N' -e 's/\\\n/ /' -e 'b more' -e '}' "$UNIT_ROOT$1" |
    sed -n -e '/^[[:space:]]*\[Install\]/,/^[[:space:]]*\[[^I]/{' -e "s/^[[:space:]]*$2[[:space:]]*=[[:space:]]*//p" -e '}' |
    sed 's/[[:blank:]][[:blank:]]*/\n/g'
}

unit_specifiers() {
  unit_specifiers_stem=${2%.*}
  unit_specifiers_instance=${unit_specifiers_stem#*@}
  [ "$unit_specifiers_instance" != "$unit_specifiers_stem" ] || unit_specifiers_instance=
  printf '%s' "$1" |
    sed "s/%i/$unit_specifiers_instance/g; s/%I/$unit_specifiers_instance/g; s/%p/${unit_specifiers_stem%%@*}/g
         s/%n/$2/g; s/%N/$unit_specifiers_stem/g; s/%%/%/g"
}

unit_link() {
  case $2 in *[!A-Za-z0-9:_.@/\\-]* | *..*) return 0 ;; esac
  ENABLE_LINKS=$((ENABLE_LINKS + 1))
  [ ! -L "$UNIT_ROOT$2" ] || [ "$(readlink "$UNIT_ROOT$2")" != "$1" ] || return 0
  if mkdir -p "$UNIT_ROOT${2%/*}" && ln -sf "$1" "$UNIT_ROOT$2"; then
    log "link $2 -> $1"
  else
    warn "$2 cannot be made"
  fi
}

units_named() {
  sed -e 's/#.*//' -e ':more' -e '/\\$/{' -e 'N' -e 's/\\\n/ /' -e 'b more' -e '}' | sed 's/[;&|(){}]/\n/g' |
    sed -n -e 's/.*systemctl .*[[:space:]]*\(enable\|preset\|reenable\)[[:space:]]/ /p' \
      -e 's/.*systemd-update-helper[[:space:]]\{1,\}install-system-units[[:space:]]/ /p' \
      -e 's/.*deb-systemd-helper[[:space:]].*enable[[:space:]]/ /p' |
    sed -e 's/[0-9]*>.*//' | tr -d "\"'" | sed 's/[[:blank:]][[:blank:]]*/\n/g' |
    sed -n -e '/^[A-Za-z0-9][A-Za-z0-9:_.@\\-]*$/p' | LC_ALL=C sort -u
}

reload_systemd() {
  [ -d /run/systemd/system ] && have systemctl || return 0
  (unset SYSTEMD_OFFLINE && run_logged systemctl daemon-reload) || log 'systemctl daemon-reload failed'
}
