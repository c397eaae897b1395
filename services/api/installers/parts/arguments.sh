# shellcheck shell=sh
# The command line that all installers share.
#
# Provides
#   parse_arguments "$@"  sets the variables below; dies with E_USAGE
#   usage                 prints the help
# An installer with options of its own defines anew
#   own_option OPTION     true when it knows (and has noted) it; values as --name=value
#   own_help              its lines of the help
# Variables: PACKAGES (blank separated), PACKAGES_CHOSEN (yes when somebody chose them), DRY_RUN, CHECKSUMS (no with
#   --no-checksum), REPORT, ENABLE. Without arguments they come from the served block and from the environment:
#   DISKFUL_NO_CHECKSUM=yes, DISKFUL_NO_REPORT=yes

PACKAGES=
PACKAGES_CHOSEN=no
CHECKSUMS=yes
REPORT=yes
ENABLE=yes

own_option() { return 1; }
own_help() { :; }

parse_arguments() {
  [ "${DISKFUL_NO_CHECKSUM:-}" != yes ] || CHECKSUMS=no
  [ "${DISKFUL_NO_REPORT:-}" != yes ] || REPORT=no
  [ "$SERVED_REPORT" = yes ] || REPORT=no
  while [ $# -gt 0 ]; do
    case $1 in
      --dry-run) DRY_RUN=yes ;;
      --no-checksum) CHECKSUMS=no ;;
      --no-report) REPORT=no ;;
      --no-enable) ENABLE=no ;;
      --packages=*) choose_packages "${1#*=}" ;;
      --packages)
        [ $# -ge 2 ] || die "$E_USAGE" '--packages needs names, separated by commas'
        shift
        choose_packages "$1"
        ;;
      -h | --help)
        usage
        FINISHED=yes
        CONCLUDED=yes
        exit "$E_OK"
        ;;
      -*) own_option "$1" || die "$E_USAGE" "unknown option $1 (--help lists them)" ;;
      *) choose_packages "$1" ;;
    esac
    shift
  done
  if [ "$PACKAGES_CHOSEN" = no ]; then
    choose_packages "$SERVED_PACKAGES"
    PACKAGES_CHOSEN=$SERVED_PACKAGES_CHOSEN
  fi
}

choose_packages() {
  set -f
  # shellcheck disable=SC2046 # splitting is the point; set -f keeps * a name
  set -- $(printf '%s' "$1" | tr ',;' '  ')
  set +f
  [ $# -gt 0 ] || die "$E_USAGE" 'no package is named'
  for choose_packages_name in "$@"; do
    case $choose_packages_name in
      *[!A-Za-z0-9._+~:^@=-]* | -* | .*) die "$E_USAGE" "'$choose_packages_name' is no package name" ;;
    esac
    case " $PACKAGES " in
      *" $choose_packages_name "*) ;;
      *) PACKAGES="$PACKAGES${PACKAGES:+ }$choose_packages_name" ;;
    esac
  done
  PACKAGES_CHOSEN=yes
}

usage() {
  cat <<END
Installs packages from the head node at $SERVED_BASE_URL

  sh cw-installer [options] [package ...]

  --dry-run         print what would be done; change nothing
  --packages=a,b    these packages (without any: $SERVED_PACKAGES)
  --no-enable       enable no services
  --no-report       tell the head node nothing about the outcome
  --no-checksum     go on without SHA-256 where no tool can check it
END
  own_help
  echo
  echo 'Exit codes:'
  for usage_code in $ALL_EXIT_CODES; do printf '  %3s  %s\n' "$usage_code" "$(exit_meaning "$usage_code")"; done
}
