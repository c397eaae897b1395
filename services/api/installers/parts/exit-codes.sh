# shellcheck shell=sh
# Every exit code of every script that a head node serves. One table: the scripts, --help, the tests and
# docs read it. 2 is the shell's own (a truncated script), 126 and up are the shell's and the kernel's.
#
# Provides: E_* and exit_meaning CODE (one line of text)

E_OK=0
E_WARNINGS=10
E_USAGE=20
E_NOT_ROOT=21
E_BUSY=22
E_UNSUITABLE=23
E_NO_SPACE=24
E_UNREACHABLE=30
E_REFUSED=31
E_DAMAGED=32
E_NO_CHECKSUM=33
E_NOT_OFFERED=34
E_BAD_SCRIPT=35
E_DEPENDENCIES=40
E_PACKAGE_TOOL=41
E_CONFLICT=42
E_PRE_SCRIPT=43
E_ROLLED_BACK=44
E_NOT_ROLLED_BACK=45
E_VERIFY=46
E_INTERNAL=70

ALL_EXIT_CODES="$E_OK $E_WARNINGS $E_USAGE $E_NOT_ROOT $E_BUSY $E_UNSUITABLE $E_NO_SPACE $E_UNREACHABLE
  $E_REFUSED $E_DAMAGED $E_NO_CHECKSUM $E_NOT_OFFERED $E_BAD_SCRIPT $E_DEPENDENCIES $E_PACKAGE_TOOL
  $E_CONFLICT $E_PRE_SCRIPT $E_ROLLED_BACK $E_NOT_ROLLED_BACK $E_VERIFY $E_INTERNAL"

exit_meaning() {
  case $1 in
    "$E_OK") echo 'everything is installed, by this run or before it' ;;
    "$E_WARNINGS") echo 'installed, with warnings that somebody should read' ;;
    "$E_USAGE") echo 'the arguments make no sense; nothing was done' ;;
    "$E_NOT_ROOT") echo 'root is needed; nothing was done' ;;
    "$E_BUSY") echo 'another installer is at work on this node' ;;
    "$E_UNSUITABLE") echo 'this node lacks a tool that this installer cannot do without' ;;
    "$E_NO_SPACE") echo 'a file system is full, too small or read-only' ;;
    "$E_UNREACHABLE") echo 'the head node could not be reached' ;;
    "$E_REFUSED") echo 'the head node answered with an error' ;;
    "$E_DAMAGED") echo 'a download stayed incomplete or its checksum wrong' ;;
    "$E_NO_CHECKSUM") echo 'no tool to check SHA-256 with, or nothing to check against' ;;
    "$E_NOT_OFFERED") echo 'the head node does not offer a package that was asked for' ;;
    "$E_BAD_SCRIPT") echo 'the installer that the head node sent is damaged' ;;
    "$E_DEPENDENCIES") echo 'a package needs what neither head node nor node has' ;;
    "$E_PACKAGE_TOOL") echo 'the package tool failed; running the installer again repairs what can be repaired' ;;
    "$E_CONFLICT") echo 'files belong to another package; nothing was changed' ;;
    "$E_PRE_SCRIPT") echo 'a pre-install script failed; no file of that package was laid down' ;;
    "$E_ROLLED_BACK") echo 'failed, and the node is as it was before' ;;
    "$E_NOT_ROLLED_BACK") echo 'failed, and not everything could be put back: read the log' ;;
    "$E_VERIFY") echo 'installed files differ from what was installed' ;;
    "$E_INTERNAL") echo 'the script stopped where it should not: a bug, please report it' ;;
    129 | 130 | 143) echo 'stopped by a signal' ;;
    *) echo 'unexpected' ;;
  esac
}
