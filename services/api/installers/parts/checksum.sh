# shellcheck shell=sh
# SHA-256 with whatever the node has.
#
# Provides
#   sha256_of FILE          64 hex digits on standard output; fails without a tool
#   sha256_works            is there a tool?
#   need_checksum_tool      dies with E_NO_CHECKSUM unless CHECKSUMS=no
#   checksum_fits FILE HEX  true when it fits; without a tool true only if CHECKSUMS=no

sha256_of() {
  for sha256_of_tool in sha256sum shasum openssl busybox python3 perl; do
    have "$sha256_of_tool" || continue
    case $sha256_of_tool in
      sha256sum) sha256_of_text=$(sha256sum <"$1" 2>/dev/null) ;;
      shasum) sha256_of_text=$(shasum -a 256 <"$1" 2>/dev/null) ;;
      openssl) sha256_of_text=$(openssl dgst -sha256 -r <"$1" 2>/dev/null) ;;
      busybox) sha256_of_text=$(busybox sha256sum <"$1" 2>/dev/null) ;;
      python3) sha256_of_text=$(python3 -I -c "$SHA256_PYTHON" <"$1" 2>/dev/null) ;;
      perl) sha256_of_text=$(perl -e "$SHA256_PERL" <"$1" 2>/dev/null) ;;
    esac
    sha256_of_text=${sha256_of_text%% *}
    case $sha256_of_text in
      *[!0-9a-f]*) ;;
      ????????????????????????????????????????????????????????????????)
        echo "$sha256_of_text"
        return 0
        ;;
    esac
  done
  return 1
}

SHA256_PYTHON='
import hashlib, sys
h = hashlib.sha256()
while True:
    b = sys.stdin.buffer.read(1 << 20)
    if not b: break
    h.update(b)
print(h.hexdigest())
'
# shellcheck disable=SC2016 # perl's variables, not the shell's
SHA256_PERL='use Digest::SHA; binmode STDIN; print Digest::SHA->new(256)->addfile(*STDIN)->hexdigest, "\n"'

sha256_works() {
  sha256_of /dev/null >/dev/null
}

need_checksum_tool() {
  sha256_works && return 0
  [ "$CHECKSUMS" = no ] || die "$E_NO_CHECKSUM" \
    'no tool to check SHA-256 (sha256sum, shasum, openssl, busybox, python3, perl); --no-checksum goes on without'
  warn 'downloads are not checked: no tool for SHA-256 on this node'
}

checksum_fits() {
  if checksum_fits_have=$(sha256_of "$1"); then
    [ "$checksum_fits_have" = "$2" ]
  else
    [ "$CHECKSUMS" = no ]
  fi
}
