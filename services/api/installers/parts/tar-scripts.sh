# shellcheck shell=sh
# Scriptlets, run as rpm runs them: `interpreter arguments… file $1`, in /, with rpm's PATH, umask 022, no input.
#
# Provides
#   tar_check_scripts DIR        warns of what cannot run here (Lua, macros); dies with E_UNSUITABLE when a script that
#                                comes before the files has no interpreter
#   tar_run_script DIR SLOT N    0: it ran well, or there is none. 1: it failed or could not run, TAR_WHY says why
#   tar_run_after DIR SLOT N     the same for slots whose failure changes nothing, as under rpm: a warning
#   tar_tell_triggers DIR        names them; they are never run
# DIR has meta/ and scripts/ (a pkg folder). N is what rpm gives as $1.
# /bin/sh is bash where there is one: the scripts come from systems where it is.

TAR_RPM_PATH=/sbin:/bin:/usr/sbin:/usr/bin:/usr/X11R6/bin

# SCRIPT_ARGS, SCRIPT_FILE, SCRIPT_NOTE of a slot; false when the package has none.
tar_script_of() {
  [ -f "$1/meta/scripts.tsv" ] || return 1
  SCRIPT_ARGS=
  while IFS=$TAB read -r script_slot _ _ script_args script_file script_note <&3; do
    [ "$script_slot" = "$2" ] || continue
    SCRIPT_ARGS=$script_args SCRIPT_FILE=$script_file SCRIPT_NOTE=$script_note
  done 3<"$1/meta/scripts.tsv"
  [ -n "$SCRIPT_ARGS" ]
}

tar_check_scripts() {
  for check_slot in pretrans pre post posttrans preun postun preuntrans postuntrans; do
    tar_script_of "$1" "$check_slot" || continue
    case $SCRIPT_NOTE in
      *needs-macros*) warn "%$check_slot of $TAR_NAME has rpm macros that were not expanded" ;;
      *unsupported-query*) warn "%$check_slot of $TAR_NAME has query tags that were not replaced" ;;
    esac
    check_why=$(tar_cannot_run "$SCRIPT_ARGS") || continue
    case $check_slot:$SCRIPT_ARGS in
      pre:\<lua\>* | pretrans:\<lua\>* | post:\<lua\>* | posttrans:\<lua\>*) warn "%$check_slot of $TAR_NAME is not run: $check_why" ;;
      pre:* | pretrans:*)
        die "$E_UNSUITABLE" "$TAR_NAME cannot be installed, its %$check_slot script cannot run: $check_why; nothing was changed"
        ;;
    esac
  done
}

# Prints why; false when it can run.
tar_cannot_run() {
  case $1 in
    \<lua\>*)
      echo 'it is written in rpm'\''s built-in Lua, which only rpm has'
      return 0
      ;;
  esac
  cannot_run_program=$(tar_plain "${1%% *}")
  if [ ! -e "$cannot_run_program" ]; then
    case $cannot_run_program in
      # A root whose sh lies elsewhere.
      */sh) ! have sh || return 1 ;;
    esac
    echo "its interpreter $cannot_run_program is not on this node"
  elif [ ! -x "$cannot_run_program" ]; then
    echo "$cannot_run_program cannot be executed"
  else
    return 1
  fi
}

tar_run_script() {
  tar_script_of "$1" "$2" || return 0
  if TAR_WHY=$(tar_cannot_run "$SCRIPT_ARGS"); then
    # Said already (tar_check_scripts), and nothing that anybody could cure on this node.
    case $SCRIPT_ARGS in \<lua\>*) return 0 ;; esac
    return 1
  fi
  run_script_rest=$SCRIPT_ARGS run_script_dir=$1 run_script_slot=$2 run_script_number=$3
  set --
  while :; do
    run_script_word=${run_script_rest%% *}
    case $run_script_word in
      %00) set -- "$@" '' ;;
      *) set -- "$@" "$(tar_plain "$run_script_word")" ;;
    esac
    [ "$run_script_rest" != "$run_script_word" ] || break
    run_script_rest=${run_script_rest#* }
  done
  run_script_program=$1
  shift
  case $run_script_program in
    /bin/sh | /usr/bin/sh)
      if have bash; then
        set -- --posix "$@"
        run_script_program=bash
      elif [ ! -x "$run_script_program" ]; then
        run_script_program='sh'
      fi
      ;;
  esac
  # A program without a file gets no number either.
  [ "$SCRIPT_FILE" = - ] || set -- "$@" "$run_script_dir/${SCRIPT_FILE#pkg/}" "$run_script_number"
  log "%$run_script_slot of $TAR_NAME"
  run_logged tar_as_rpm "$run_script_program" "$@" && return 0
  TAR_WHY="it ended with $?$(sed -n '$s/^/: /p' "$LAST_OUTPUT")"
  return 1
}

tar_as_rpm() (
  cd / || exit
  umask 022
  unset LC_ALL TAR_NEW TAR_OLD TAR_KINDS TAR_DETAILS TAR_OWNERS TAR_SCRIPT TAR_PLANDIR TAR_NEWTREE TAR_STATE TAR_TAG \
    TAR_HOME TAR_LINKS TAR_NODES
  PATH=$TAR_RPM_PATH
  without_starts "$@" </dev/null
)

tar_run_after() {
  tar_run_script "$1" "$2" "$3" || warn "%$2 of $TAR_NAME failed ($TAR_WHY); its files are in place"
}

tar_tell_triggers() {
  [ -f "$1/meta/triggers.tsv" ] || return 0
  tell_triggers_text=
  while IFS=$TAB read -r tell_number tell_kind tell_type _ _ tell_file tell_conditions <&3; do
    case $tell_number in '#'* | '') continue ;; esac
    log "trigger $tell_number, not run: $tell_kind $tell_type, $tell_conditions ($tell_file)"
    tell_triggers_text="$tell_triggers_text${tell_triggers_text:+; }$tell_type $tell_conditions"
  done 3<"$1/meta/triggers.tsv"
  [ -z "$tell_triggers_text" ] ||
    say "$TAR_NAME has triggers, which are not run ($tell_triggers_text): see $TAR_HOME/pkg/triggers"
}
