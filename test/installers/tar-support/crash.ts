/**
 * Kills an installer at its Nth command, from outside of it: functions of the shell that stand before the script take
 * the place of every command that changes something, count, and kill the whole process group. The script served to
 * nodes has no hook for this.
 */

/**
 * When it is killed: before the Nth command, or with only the first half of its operands done. Where a command cannot be
 * halved that is the same, and /crash-halved is not there afterwards.
 */
export type CrashMode = 'before' | 'half'

const COMMANDS = ['awk', 'chmod', 'chown', 'cp', 'ln', 'mkdir', 'mkfifo', 'mknod', 'mv', 'rm', 'rmdir', 'tar']

/** These write the journal's lines, with these arguments; what else they write changes nothing. */
const JOURNAL = { echo: '[a-z][a-z]*', printf: String.raw`'%s\t%s\n'` }

const PRELUDE = `
crash_turn() {
  read -r crash_count </crash-count
  crash_count=$((crash_count + 1))
  command echo "$crash_count" >/crash-count
  read -r crash_at crash_mode </crash-at
  [ "$crash_count" -eq "$crash_at" ] || return 1
  command echo "$*" >/crash-command
  if [ "$crash_mode" = half ] && crash_half "$@"; then : >/crash-halved; fi
  kill -9 0
}
crash_half() {
  crash_operands=0
  for crash_word; do case $crash_word in -*) ;; *) crash_operands=$((crash_operands + 1)) ;; esac; done
  crash_name=$1
  shift
  case $crash_name in mv | ln | cp) [ "$crash_operands" -gt 3 ] || return 1 ;; rm | rmdir | mkdir | chown | chmod) ;; *) return 1 ;; esac
  for crash_last; do :; done
  crash_left=$(((crash_operands - 1) / 2))
  [ "$crash_left" -gt 0 ] || return 1
  crash_index=0 crash_total=$#
  for crash_word; do
    crash_index=$((crash_index + 1))
    case $crash_word in
      -*) set -- "$@" "$crash_word" ;;
      *)
        if [ "$crash_left" -gt 0 ]; then
          set -- "$@" "$crash_word"
          crash_left=$((crash_left - 1))
        fi
        ;;
    esac
  done
  shift "$crash_total"
  case $crash_name in mv | ln | cp) set -- "$@" "$crash_last" ;; esac
  command "$crash_name" "$@" || :
}
${COMMANDS.map(name => `${name}() { crash_turn ${name} "$@"; command ${name} "$@"; }`).join('\n')}
${Object.entries(JOURNAL)
  .map(([name, first]) => `${name}() { case $1 in ${first}) crash_turn ${name} "$@" ;; esac; command ${name} "$@"; }`)
  .join('\n')}
`

// A sync of the whole machine, thousands of times over, would test the patience of the disk.
const NO_SYNC = 'sync() { :; }'

/** The served script with the functions put before it. */
export function crashable(script: string): string {
  return before(script, PRELUDE + NO_SYNC)
}

/** The same, whole, without sync. */
export function quick(script: string): string {
  return before(script, NO_SYNC)
}

function before(script: string, functions: string): string {
  return script.replace('\n{\n', `\n{\n${functions}\n`)
}
