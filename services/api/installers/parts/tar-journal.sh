# shellcheck shell=sh
# The journal of one package: what a run set out to do and how far it came, so that any next run can end it.
#
# /opt/scyld/.NAME.journal/ (0700)
#   about      kind (install, remove), name, tag, number ($1 of scripts), sha256, version: `key TAB value`
#   steps      one line a step that is done
#   check/, plan/   what tar_plan wrote, before and after the pre script
#   old/       meta/ and scripts/ of the version before
# /opt/scyld/.NAME.new/ is the unpacked TAR. Until the step `committed` the way out is back: undo.sh, tidy.sh. From then
# on it is forward: each step left over is done, which each can bear twice; scriptlets run at least once.
#
# Provides
#   tar_meet NAME          TAR_NAME, TAR_HOME, TAR_TREE, TAR_JOURNAL
#   tar_begin KIND         a fresh journal
#   tar_mark STEP          this step is done;  tar_did STEP   was it?
#   tar_back               puts everything back and drops the journal; false when something resisted
#   tar_fail CODE TEXT     tar_back, then die
#   tar_forward            does what is left after `committed`, and drops the journal
#   tar_recover_all        ends what earlier runs left
#   tar_leave              for at_exit

TAR_STATE=/opt/scyld
TAR_NAME=
TAR_ACTIVE=no
TAR_COMMITTED=no
TAR_WHY=

tar_meet() {
  case $1 in '' | *[!A-Za-z0-9._+~^-]* | .* | -*) die "$E_USAGE" "'$1' is no package name" ;; esac
  TAR_NAME=$1
  TAR_HOME=$TAR_STATE/$1
  TAR_TREE=$TAR_STATE/.$1.new
  TAR_JOURNAL=$TAR_STATE/.$1.journal
  if [ "$DRY_RUN" = yes ]; then
    TAR_TREE=$WORK_DIR/$1.new
    TAR_JOURNAL=$WORK_DIR/$1.journal
  fi
  TAR_NEWTREE=$TAR_TREE
  TAR_COMMITTED=no
}

tar_begin() {
  TAR_TAG=.cw-$(date +%s)-$$
  if [ "$DRY_RUN" = no ]; then
    mkdir -p "$TAR_STATE" 2>/dev/null || die "$E_NO_SPACE" "$TAR_STATE cannot be made"
    [ "$(stat -L -c %u "$TAR_STATE")" = 0 ] || die "$E_UNSUITABLE" "$TAR_STATE does not belong to root"
  fi
  TAR_ACTIVE=yes
  mkdir -m 700 "$TAR_JOURNAL" "$TAR_JOURNAL/check" "$TAR_JOURNAL/plan" 2>/dev/null &&
    : >"$TAR_JOURNAL/steps" &&
    tar_about kind "$1" && tar_about name "$TAR_NAME" && tar_about tag "$TAR_TAG" ||
    tar_fail "$E_NO_SPACE" "$TAR_STATE cannot be written"
}

tar_about() {
  printf '%s\t%s\n' "$1" "$2" >>"$TAR_JOURNAL/about"
}

tar_mark() {
  echo "$1" >>"$TAR_JOURNAL/steps" || { TAR_WHY="$TAR_JOURNAL cannot be written" && return 1; }
  log "$TAR_NAME: $1"
}

tar_did() {
  grep -qx "$1" "$TAR_JOURNAL/steps" 2>/dev/null
}

# For everybody who reads the disk after a power cut: order matters, and sync is the only way to ask for it here.
tar_settle() {
  sync 2>/dev/null || :
}

tar_back() {
  TAR_ACTIVE=no
  if [ "$DRY_RUN" = no ] && [ -d "$TAR_JOURNAL" ]; then
    TAR_TAG=$(tar_value "$TAR_JOURNAL/about" tag)
    if [ -n "$TAR_TAG" ]; then
      if tar_did commit; then tar_lines plan/undo.sh || return; fi
      if tar_did planned; then tar_lines plan/tidy.sh || return; fi
      if tar_did checked; then tar_lines check/tidy.sh || return; fi
    fi
  fi
  tar_drop
}

# Runs the lines of a plan; what they complain of is in the log and, its last line, in TAR_WHY.
tar_lines() {
  TAR_WHY=
  # A shell may end where `.` finds no file.
  [ -f "$TAR_JOURNAL/$1" ] || return 0
  # shellcheck disable=SC1090 # made by tar_plan, whole: a step in the journal says so
  . "$TAR_JOURNAL/$1" 2>"$WORK_DIR/tar-lines"
  tar_lines_status=$?
  # Our own warnings are in the log already; people are to see them.
  sed -n '/^diskful: /p' "$WORK_DIR/tar-lines" >&2
  sed '/^diskful: /d' "$WORK_DIR/tar-lines" >&9
  [ "$tar_lines_status" -ne 0 ] || return 0
  [ -n "$TAR_WHY" ] || TAR_WHY=$(sed '/^diskful: /d' "$WORK_DIR/tar-lines" | sed -n '$p')
  return 1
}

# A journal that is half removed must not look like one that is half written.
tar_drop() {
  rm -rf "$TAR_TREE" || return
  [ -d "$TAR_JOURNAL" ] || return 0
  rm -rf "$TAR_STATE/.$TAR_NAME.done"
  mv "$TAR_JOURNAL" "$TAR_STATE/.$TAR_NAME.done" && rm -rf "$TAR_STATE/.$TAR_NAME.done"
}

tar_fail() {
  tar_fail_code=$1 tar_fail_text=$2
  if tar_back; then
    die "$tar_fail_code" "$tar_fail_text"
  else
    die "$E_NOT_ROLLED_BACK" "$tar_fail_text; and not everything could be put back ($TAR_WHY); the next run tries again"
  fi
}

# What a failed command was about, as one of the exit codes.
tar_fail_kind() {
  case $TAR_WHY in
    *'No space left'* | *'Read-only file system'* | *'cannot be written'* | *'Disk quota'*) echo "$E_NO_SPACE" ;;
    *) echo "$E_ROLLED_BACK" ;;
  esac
}

tar_forward() {
  TAR_COMMITTED=yes TAR_ACTIVE=no
  case $(tar_value "$TAR_JOURNAL/about" kind) in
    remove) tar_forward_steps='disable remove unpack postun postuntrans system' ;;
    *) tar_forward_steps='swap labels post preun remove postun posttrans postuntrans system enable receipt' ;;
  esac
  TAR_NUMBER=$(tar_value "$TAR_JOURNAL/about" number)
  for tar_forward_step in $tar_forward_steps; do
    tar_did "$tar_forward_step" && continue
    "tar_step_$tar_forward_step" && tar_mark "$tar_forward_step" ||
      die "$E_NOT_ROLLED_BACK" "$TAR_NAME is laid down, but '$tar_forward_step' failed${TAR_WHY:+ ($TAR_WHY)}; the next run completes it"
  done
  tar_lines plan/tidy.sh && tar_lines check/tidy.sh && tar_drop ||
    warn "something of $TAR_NAME could not be cleaned up ($TAR_WHY); the next run tries again"
}

tar_recover_all() {
  for tar_recover_path in "$TAR_STATE"/.*.journal "$TAR_STATE"/.*.done "$TAR_STATE"/.*.new; do
    [ -d "$tar_recover_path" ] || continue
    tar_recover_name=${tar_recover_path#"$TAR_STATE"/.}
    tar_recover "${tar_recover_name%.*}" "$tar_recover_path"
  done
}

tar_recover() {
  if [ "$DRY_RUN" = yes ]; then
    say "an earlier run left $2; a real run would end it first"
    return
  fi
  [ -d "$2" ] || return 0
  tar_meet "$1"
  if [ "$2" != "$TAR_JOURNAL" ]; then
    # Only rubbish is left where no journal is; a tree is used by the journal that is dealt with before it.
    rm -rf "$2"
  elif tar_did committed; then
    say "an earlier run stopped after it had laid down $1: completing it"
    TAR_TAG=$(tar_value "$TAR_JOURNAL/about" tag)
    tar_forward
    [ "$(tar_value "$TAR_HOME/pkg/meta/package.tsv" name)" != "$1" ] || note_installed "$1" "$(tar_value "$TAR_HOME/pkg/meta/package.tsv" evr)"
  else
    say "an earlier run stopped while it installed or removed $1: putting everything back first"
    tar_back || die "$E_NOT_ROLLED_BACK" "what an earlier run left of $1 cannot be put back ($TAR_WHY)"
  fi
}

tar_leave() {
  [ "$TAR_ACTIVE" = yes ] || return 0
  if tar_back; then
    log "$TAR_NAME: everything is put back"
  else
    warn "not everything of $TAR_NAME could be put back ($TAR_WHY); the next run tries again"
  fi
}
