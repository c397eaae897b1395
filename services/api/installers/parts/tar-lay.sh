# shellcheck shell=sh
# What the lines of a plan do (tar-plan.sh). Each either does all it says or fails.
#
# stage: everything new is made in PLACE/$TAR_TAG.new, a folder that only root can enter, on the file system where it
# belongs. commit: hard links of what is in the way go to PLACE/$TAR_TAG.old, then rename puts the new over it: at any
# moment a file is the old or the new one, whole, and whoever runs the old goes on running it. undo: the same backwards.
# Everything in undo, remove and tidy looks before it acts, so that a second run does no harm.
# Uses: TAR_TAG, owner numbers from tar_user_id and tar_group_id (tar-users.sh)

lay_stage() {
  for lay_path in "$@"; do
    mkdir -m 700 "$lay_path/$TAR_TAG.new" || return
  done
}

lay_dirs() {
  mkdir -m 755 "$@"
}

lay_copies() {
  lay_into=$1
  shift
  cp -pP "$@" "$lay_into/"
}

lay_links() {
  lay_into=$1
  shift
  ln "$@" "$lay_into/" 2>/dev/null && return 0
  # Some file systems have no hard links; others (overlay) not for every file.
  for lay_path in "$@"; do
    [ -e "$lay_into/${lay_path##*/}" ] || [ -L "$lay_into/${lay_path##*/}" ] || cp -pP "$lay_path" "$lay_into/" || return
  done
}

lay_copy() {
  cp -pP "$1" "$2"
}

# The very file that is there, under another name.
lay_same() {
  ln "$1" "$2" 2>/dev/null || cp -pP "$1" "$2"
}

lay_hard() {
  ln "$1" "$2" 2>/dev/null || cp -pP "$1" "$2"
}

lay_symlink() {
  ln -s "$1" "$2"
}

# Their modes follow (lay_mode); -m of GNU's needs /proc, which a chroot may lack.
lay_fifo() {
  (umask 077 && mkfifo "$1")
}

lay_node() {
  (umask 077 && mknod "$3" "$1" "${2%%:*}" "${2##*:}")
}

lay_inner_dir() {
  mkdir -p "$1"
}

lay_inner() {
  mkdir -p "${2%/*}" && cp -pP "$1" "$2"
}

lay_owner() {
  tar_user_id "$1"
  tar_group_id "$2"
  shift 2
  chown -h "$TAR_UID:$TAR_GID" "$@"
}

lay_mode() {
  chmod "$@"
}

# Setuid and setgid only for the owner they were meant for: root's in place of an unknown one would be a hole.
lay_setid() {
  tar_user_id "$2"
  tar_group_id "$3"
  if [ "$TAR_USER_KNOWN$TAR_GROUP_KNOWN" = yesyes ]; then
    chmod "$1" "$4"
  else
    warn "${4##*"/$TAR_TAG.new"}: no setuid or setgid bit for an owner that does not exist ($2:$3)"
    chmod "0${1#?}" "$4"
  fi
}

lay_caps() {
  if ! have setcap; then
    warn "$3 needs capabilities ($1), and this node has no setcap"
  elif ! setcap "$1" "$2" 2>/dev/null; then
    warn "$3: its capabilities ($1) cannot be set here"
  fi
}

lay_ima() {
  if ! have setfattr || ! setfattr -n security.ima -v "0x$1" "$2" 2>/dev/null; then
    log "$3: its IMA signature is not set"
  fi
}

lay_probe() {
  for lay_path in "$@"; do
    mkdir "$lay_path" 2>/dev/null && rmdir "$lay_path" && continue
    TAR_WHY="${lay_path%/*}/ cannot be written"
    return 1
  done
}

lay_old() {
  mkdir -m 700 "$1/$TAR_TAG.old"
}

lay_keep() {
  lay_from=$1
  shift
  # Names, not paths, were given: that halves the plan.
  (
    cd "$lay_from/" || exit
    for lay_name; do
      set -- "$@" "./$lay_name"
      shift
    done
    ln "$@" "$TAR_TAG.old/" 2>/dev/null && exit 0
    for lay_path; do
      [ -e "$TAR_TAG.old/${lay_path##*/}" ] || [ -L "$TAR_TAG.old/${lay_path##*/}" ] ||
        ln "$lay_path" "$TAR_TAG.old/" 2>/dev/null || cp -pP "$lay_path" "$TAR_TAG.old/" || exit
    done
  )
}

lay_clear() {
  rm -f "$1"
}

lay_put() {
  lay_from=$1
  shift
  (
    cd "$lay_from/$TAR_TAG.new" || exit
    for lay_name; do
      set -- "$@" "./$lay_name"
      shift
    done
    mv -f "$@" ../
  )
}

# A directory that was there already.
lay_dir() {
  lay_owner "$2" "$3" "$4" || return
  case $1 in
    [2-7]*) lay_setid "$@" ;;
    *) chmod "$1" "$4" ;;
  esac
}

lay_undir() {
  [ ! -d "$4" ] || { chown "$2:$3" "$4" && chmod "$1" "$4"; }
}

lay_unput() {
  lay_from=$1
  shift
  [ -d "$lay_from/$TAR_TAG.new" ] || return 0
  for lay_name in "$@"; do
    lay_there "$lay_from/$TAR_TAG.new/$lay_name" || ! lay_there "$lay_from/$lay_name" ||
      mv "$lay_from/$lay_name" "$lay_from/$TAR_TAG.new/$lay_name" || return
  done
}

lay_restore() {
  lay_from=$1
  shift
  [ -d "$lay_from/$TAR_TAG.old" ] || return 0
  for lay_name in "$@"; do
    lay_there "$lay_from/$TAR_TAG.old/$lay_name" || continue
    # The commit did not come as far as this one: both names are the same file, which mv takes amiss.
    if lay_there "$lay_from/$lay_name" && [ "$(lay_inode "$lay_from/$lay_name")" = "$(lay_inode "$lay_from/$TAR_TAG.old/$lay_name")" ]; then
      rm -f "$lay_from/$TAR_TAG.old/$lay_name"
      continue
    fi
    if [ -d "$lay_from/$lay_name" ] && [ ! -L "$lay_from/$lay_name" ]; then
      mv "$lay_from/$lay_name" "$lay_from/$TAR_TAG.new/$lay_name" || return
    fi
    (cd "$lay_from/$TAR_TAG.old" && mv -f "./$lay_name" ../) || return
  done
}

lay_inode() {
  stat -c %d:%i "$1"
}

lay_there() {
  [ -e "$1" ] || [ -L "$1" ]
}

# Copies of an old setuid program that somebody linked elsewhere lose their power with it, as under rpm.
lay_strip() {
  for lay_path in "$@"; do
    [ -f "$lay_path" ] && [ ! -L "$lay_path" ] || continue
    chmod u-s,g-s "$lay_path" || warn "$lay_path keeps its setuid bit"
    ! have setcap || setcap -r "$lay_path" 2>/dev/null || :
  done
}

lay_gone() {
  rm -f "$@" && return 0
  for lay_path in "$@"; do
    rm -f "$lay_path" || warn "$lay_path cannot be removed"
  done
}

lay_save() {
  for lay_path in "$@"; do
    if lay_there "$lay_path"; then
      mv -f "$lay_path" "$lay_path.rpmsave" || warn "$lay_path cannot be renamed to $lay_path.rpmsave"
    fi
  done
}

lay_rmdir() {
  for lay_path in "$@"; do
    [ ! -d "$lay_path" ] || [ -L "$lay_path" ] || rmdir "$lay_path" 2>/dev/null || :
  done
}

lay_label() {
  restorecon -F "$@" || :
}

lay_tidy() {
  for lay_path in "$@"; do
    if [ -d "$lay_path/$TAR_TAG.old" ]; then
      # Before the commit is whole, or after an undo, these may be links of files in use.
      [ "$TAR_COMMITTED" != yes ] ||
        find "$lay_path/$TAR_TAG.old" -type f \( -perm -4000 -o -perm -2000 \) -exec chmod u-s,g-s '{}' \; || return
      rm -rf "$lay_path/$TAR_TAG.old" || return
    fi
    [ ! -d "$lay_path/$TAR_TAG.new" ] || rm -rf "$lay_path/$TAR_TAG.new" || return
  done
}
