# shellcheck shell=sh
# HTTP with whatever the node has: curl, wget, busybox wget, python3, perl or bash, in this order.
#
# Provides
#   fetch URL FILE [SIZE [TRIES]]   GET into FILE, by way of FILE.part, which a retry and a later run continue.
#                            0: FILE is there. 1: not; HTTP_STATUS (000: no answer) and HTTP_WHY say why.
#   post URL BODY FILE [TRIES]      POST the form in the file BODY, answer into FILE; same result
#   fetch_failed WHAT        dies with E_UNREACHABLE or E_REFUSED, in words made of HTTP_STATUS and HTTP_WHY
#   url_text TEXT            TEXT for a query or a form, percent-encoded
#   form_field NAME VALUE    appends to FORM_FILE
# Variables: HTTP_STALL, seconds without a byte that end an attempt (60; raise it where the head node has to convert
# first), HTTP_TRIES (6), HTTP_CLIENT (picked at first use; set it to insist). Proxies: http_proxy, https_proxy
# as each client knows them; for perl and bash http_proxy is read here. no_proxy is read here for all of them: names, their
# domains, addresses and networks (10.0.0.0/8).

HTTP_STALL=60
HTTP_TRIES=6
HTTP_CLIENT=${DISKFUL_HTTP_CLIENT:-}
HTTP_DIRECT=no
HTTP_STATUS=000
HTTP_WHY=
FORM_FILE=

fetch() {
  http_url=$1 http_file=$2 http_size=${3:-} http_body=''
  case $http_size in *[!0-9]*) http_size= ;; esac
  http_retry "${4:-$HTTP_TRIES}"
}

post() {
  http_url=$1 http_body=$2 http_file=$3 http_size=''
  rm -f "$http_file.part"
  http_retry "${4:-$HTTP_TRIES}"
}

http_retry() {
  pick_http_client
  http_split "$http_url"
  HTTP_DIRECT=no
  ! http_is_exempt "$SPLIT_HOST" || HTTP_DIRECT=yes
  http_attempt=0 http_left=$1 http_rounds=0
  while :; do
    http_attempt=$((http_attempt + 1)) http_rounds=$((http_rounds + 1))
    http_offset=$(file_size "$http_file.part")
    # The answer to a form is made anew each time: nothing of it is continued.
    [ -z "$http_body" ] || http_offset=0
    if [ -n "$http_size" ] && [ "$http_offset" -ge "$http_size" ]; then
      if [ "$http_offset" -eq "$http_size" ] && [ "$http_size" -gt 0 ]; then break; fi
      http_offset=0
    fi
    [ "$http_offset" -gt 0 ] || : >"$http_file.part"
    http_once && break
    case $HTTP_STATUS in
      000 | 2?? | 408 | 425 | 429 | 502 | 503 | 504) ;;
      500) [ "$http_rounds" -lt 3 ] || return 1 ;;
      416) [ "$http_offset" -gt 0 ] || return 1 ;;
      *) return 1 ;;
    esac
    # An attempt that brought something does not count: a bad line may take many.
    if [ "$(file_size "$http_file.part")" -gt "$http_offset" ] && [ "$http_rounds" -lt 200 ]; then http_attempt=0; fi
    [ "$http_attempt" -lt "$http_left" ] || return 1
    if [ -n "$http_pause" ]; then http_pause=$(http_spread "$http_pause"); else http_pause=$(http_backoff "$http_attempt"); fi
    log "$http_url: ${HTTP_WHY:-no answer}; again in $http_pause s"
    sleep "$http_pause"
  done
  mv -f "$http_file.part" "$http_file"
}

# One attempt. 0: the part is complete. Otherwise HTTP_STATUS, HTTP_WHY and http_pause (what Retry-After asks for).
http_once() {
  HTTP_STATUS=000 HTTP_WHY='' http_pause=''
  http_head=$WORK_DIR/http-head http_error=$WORK_DIR/http-error
  : >"$http_head"
  : >"$http_error"
  "http_by_$HTTP_CLIENT" 2>"$WORK_DIR/http-log"
  http_ok=$?
  case $HTTP_STATUS in
    2??)
      if [ "$http_ok" -eq 0 ] && { [ -n "$http_size" ] && [ "$(file_size "$http_file.part")" -ne "$http_size" ]; }; then
        HTTP_WHY="$(file_size "$http_file.part") of $http_size bytes came"
        return 1
      fi
      [ "$http_ok" -eq 0 ] && [ -f "$http_file.part" ] && return 0
      HTTP_WHY="the transfer broke off$(http_last_word ': ')"
      # Asked to continue, answered from the start, and the client would not: from the start, then.
      if [ "$HTTP_STATUS" = 200 ] && [ "$(file_size "$http_file.part")" -eq "$http_offset" ]; then : >"$http_file.part"; fi
      ;;
    416) : >"$http_file.part" ;;
    000) HTTP_WHY=$(http_last_word '') ;;
    *)
      HTTP_WHY="HTTP $HTTP_STATUS$(http_reason <"$http_error")"
      http_pause=$(sed -n 's/^[Rr][Ee][Tt][Rr][Yy]-[Aa][Ff][Tt][Ee][Rr]: *\([0-9]\{1,4\}\).*/\1/p' "$http_head" | tail -n 1)
      [ -z "$http_pause" ] || [ "$http_pause" -le 60 ] || http_pause=60
      ;;
  esac
  return 1
}

http_last_word() {
  # shellcheck disable=SC2016 # sed's last line, not a variable
  sed -n '/./h; ${x; s/^ *\(.\{1,200\}\).*/\1/; s/^/'"$1"'/p;}' "$WORK_DIR/http-log"
}

# What a problem+json body or a line of text says, on one line.
http_reason() {
  tr '\n\r\t' '   ' | LC_ALL=C tr -cd ' -~' |
    sed -n 's/.*"detail" *: *"\(\([^"\\]\|\\.\)\{1,400\}\).*/: \1/p; t
            s/^\(.\{1,200\}\).*/: \1/p'
}

http_backoff() {
  case $1 in 0 | 1) set -- 1 ;; 2) set -- 2 ;; 3) set -- 4 ;; 4) set -- 8 ;; *) set -- 16 ;; esac
  http_spread "$1"
}

# So many seconds and up to twice as many: a rack that boots at once must not come back at once.
http_spread() {
  http_random=$(od -An -N2 -tu2 /dev/urandom 2>/dev/null | tr -cd 0-9)
  echo $(($1 + ${http_random:-$$} % ($1 + 2)))
}

fetch_failed() {
  case $HTTP_WHY in
    *'No space left'* | *'ailure writing'*) die "$E_NO_SPACE" "$1 cannot be stored: $HTTP_WHY" ;;
  esac
  case $HTTP_STATUS in
    000 | 2??)
      http_split "$http_url"
      http_proxied=$(http_proxy_for "$SPLIT_HOST")
      die "$E_UNREACHABLE" "$1 cannot be fetched from $http_url: ${HTTP_WHY:-no answer} (by $HTTP_CLIENT${http_proxied:+ through the proxy $http_proxied})"
      ;;
    *) die "$E_REFUSED" "$1: the head node answers $HTTP_WHY ($http_url)" ;;
  esac
}

pick_http_client() {
  if [ -z "$HTTP_CLIENT" ]; then
    for HTTP_CLIENT in curl wget busybox python3 perl bash none; do http_client_works && break; done
    log "downloads by $HTTP_CLIENT"
  fi
  http_client_works ||
    die "$E_UNSUITABLE" 'no way to download: none of curl, wget, busybox, python3, perl and bash works here'
}

# Over https only those that check the head node's certificate.
http_client_works() {
  case $SERVED_BASE_URL:$HTTP_CLIENT in https:*:busybox | https:*:perl | https:*:bash) return 1 ;; esac
  case $HTTP_CLIENT in
    curl) curl --version >/dev/null 2>&1 ;;
    wget)
      HTTP_WGET=$(program wget) && "$HTTP_WGET" --version 2>/dev/null | grep -q 'GNU Wget'
      ;;
    busybox) [ -n "$(busybox_wget)" ] ;;
    python3) python3 -I -c 'import urllib.request' 2>/dev/null ;;
    perl) perl -MIO::Socket -e 1 2>/dev/null ;;
    # Some builds of bash have no network: to them this is a file that does not exist.
    bash)
      HTTP_BASH_PROGRAM=$(program bash) &&
        ! "$HTTP_BASH_PROGRAM" -c ': </dev/tcp/127.0.0.1/1' 2>&1 | grep -Eqi 'no such file|nonexistent'
      ;;
    *) false ;;
  esac
}

busybox_wget() {
  if wget --help 2>&1 | grep -q BusyBox; then
    echo wget
  elif busybox wget --help 2>&1 | grep -q -- '-O'; then
    echo 'busybox wget'
  fi
}

http_by_curl() {
  set -- -q -sS -g -L --max-redirs 3 --connect-timeout 15 --speed-limit 1 --speed-time "$HTTP_STALL" \
    -D "$http_head" -w '%{http_code}' -o "$http_file.part"
  [ "$HTTP_DIRECT" = no ] || set -- "$@" --noproxy '*'
  [ -z "$http_body" ] || set -- "$@" -H 'Content-Type: application/x-www-form-urlencoded' --data-binary "@$http_body"
  # Continuing: -f, or an error's text would be added to the part.
  [ "$http_offset" -eq 0 ] || set -- "$@" -f -C "$http_offset"
  HTTP_STATUS=$(curl "$@" "$http_url")
  http_curl_status=$?
  case $HTTP_STATUS in
    2??) ;;
    ???) [ "$http_offset" -gt 0 ] || mv -f "$http_file.part" "$http_error" 2>/dev/null ;;
    *) HTTP_STATUS=000 ;;
  esac
  return "$http_curl_status"
}

http_by_wget() {
  set -- --tries=1 --no-verbose --server-response --max-redirect=3 --dns-timeout=15 --connect-timeout=15 \
    --read-timeout="$HTTP_STALL" -O "$http_file.part"
  [ "$HTTP_DIRECT" = no ] || set -- "$@" --no-proxy
  [ -z "$http_body" ] || set -- "$@" --post-file="$http_body"
  [ "$http_offset" -eq 0 ] || set -- "$@" -c
  if [ "$http_offset" -eq 0 ] && "$HTTP_WGET" --help | grep -q -- --content-on-error; then set -- "$@" --content-on-error; fi
  : >"$WORK_DIR/wgetrc"
  WGETRC=$WORK_DIR/wgetrc "$HTTP_WGET" "$@" "$http_url" 2>"$http_head"
  http_wget_status=$?
  cat "$http_head" >&2
  trim_headers
  HTTP_STATUS=$(sed -n 's/^HTTP\/[0-9.]* \([0-9][0-9][0-9]\).*/\1/p' "$http_head" | tail -n 1)
  case ${HTTP_STATUS:=000} in
    000 | 2??) ;;
    *) [ "$http_offset" -gt 0 ] || mv -f "$http_file.part" "$http_error" 2>/dev/null ;;
  esac
  return "$http_wget_status"
}

trim_headers() {
  sed 's/^ *//' "$http_head" >"$http_head.trim" && mv -f "$http_head.trim" "$http_head"
}

http_by_busybox() {
  http_busybox=$(busybox_wget)
  set -- -O "$http_file.part"
  http_busybox_help=$($http_busybox --help 2>&1)
  case $http_busybox_help in *' -T '* | *'[-T '*) set -- "$@" -T "$HTTP_STALL" ;; esac
  case $http_busybox_help in *--server-response* | *'-S'*) set -- "$@" -S ;; esac
  # It knows http_proxy, but not no_proxy.
  [ "$HTTP_DIRECT" = no ] || set -- "$@" -Y off
  [ -z "$http_body" ] || set -- "$@" --post-data "$(cat "$http_body")"
  [ "$http_offset" -eq 0 ] || set -- "$@" -c
  # shellcheck disable=SC2086 # "busybox wget" is two words
  stall_guard "$HTTP_STALL" "$http_file.part" $http_busybox "$@" "$http_url" 2>"$http_head"
  http_busybox_status=$?
  cat "$http_head" >&2
  trim_headers
  HTTP_STATUS=$(sed -n 's/.*HTTP\/[0-9.]* \([0-9][0-9][0-9]\).*/\1/p' "$http_head" | tail -n 1)
  if [ "$http_busybox_status" -eq 0 ]; then HTTP_STATUS=200; fi
  : "${HTTP_STATUS:=000}"
  return "$http_busybox_status"
}

http_by_python3() {
  HTTP_STATUS=$(python3 -I -c "$HTTP_PYTHON" "$http_url" "$http_file.part" "$http_offset" "$http_body" \
    "$HTTP_STALL" "$http_head" "$http_error" "$HTTP_DIRECT")
  http_python_status=$?
  : "${HTTP_STATUS:=000}"
  return "$http_python_status"
}

HTTP_PYTHON='
import os, sys, urllib.request, urllib.error
url, part, offset, body, stall, head, error, direct = sys.argv[1:]
if direct == "yes":
    urllib.request.install_opener(urllib.request.build_opener(urllib.request.ProxyHandler({})))
offset = int(offset)
headers = {"User-Agent": "diskful-python3", "Accept": "*/*"}
data = None
if body:
    data = open(body, "rb").read()
    headers["Content-Type"] = "application/x-www-form-urlencoded"
if offset: headers["Range"] = "bytes=%d-" % offset
try:
    answer = urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=int(stall))
except urllib.error.HTTPError as e:
    open(head, "w").write("".join("%s: %s\n" % h for h in e.headers.items()))
    open(error, "wb").write(e.read(4096))
    print(e.code)
    sys.exit(1)
except Exception as e:
    sys.exit(str(getattr(e, "reason", e)))
print(answer.status, flush=True)
if offset and answer.status != 206: offset = 0
length = answer.headers.get("Content-Length")
got = 0
with open(part, "ab" if offset else "wb") as out:
    while True:
        try: block = answer.read(1 << 18)
        except Exception as e: sys.exit(str(e))
        if not block: break
        out.write(block)
        got += len(block)
sys.exit(0 if length is None or got == int(length) else 1)
'

# perl and bash speak HTTP/1.0 themselves: status line, headers, then bytes until the end.
http_by_perl() { http_raw perl -e "$HTTP_PERL"; }
http_by_bash() { http_raw "$HTTP_BASH_PROGRAM" -c "$HTTP_BASH" bash; }

http_raw() {
  http_split "$http_url"
  http_name=$http_host
  http_proxied=$(http_proxy_for "$SPLIT_HOST")
  if [ -n "$http_proxied" ]; then
    http_target=$http_url
    split_host "$http_proxied"
  fi
  stall_guard "$HTTP_STALL" "$http_file.part" "$@" "$SPLIT_HOST" "$SPLIT_PORT" "$http_name" "$http_target" \
    "$http_file.part" "$http_offset" "$http_body" "$http_head" "$http_error"
  http_raw_status=$?
  HTTP_STATUS=$(sed -n '1s/^HTTP\/[0-9.]* \([0-9][0-9][0-9]\).*/\1/p' "$http_head")
  : "${HTTP_STATUS:=000}"
  return "$http_raw_status"
}

# http_host, http_target, SPLIT_HOST and SPLIT_PORT of a URL.
http_split() {
  http_rest=${1#*://}
  http_host=${http_rest%%/*}
  http_target=/${http_rest#*/}
  [ "$http_host" != "$http_rest" ] || http_target=/
  split_host "$http_host"
}

split_host() {
  SPLIT_PORT=80
  case $1 in
    \[*\]:*) SPLIT_PORT=${1##*:} SPLIT_HOST=${1#\[} SPLIT_HOST=${SPLIT_HOST%\]:*} ;;
    \[*\]) SPLIT_HOST=${1#\[} SPLIT_HOST=${SPLIT_HOST%\]} ;;
    *:*) SPLIT_PORT=${1##*:} SPLIT_HOST=${1%:*} ;;
    *) SPLIT_HOST=$1 ;;
  esac
}

# host:port of the proxy for this host, if one is asked for. Only lower-case http_proxy: the other is CGI's.
http_proxy_for() {
  case $SERVED_BASE_URL in
    https:*) http_proxy_at=${https_proxy:-${HTTPS_PROXY:-}} ;;
    *) http_proxy_at=${http_proxy:-} ;;
  esac
  [ -n "$http_proxy_at" ] && ! http_is_exempt "$1" || return 0
  http_proxy_at=${http_proxy_at#*://} http_proxy_at=${http_proxy_at%%/*}
  echo "${http_proxy_at##*@}"
}

# Does no_proxy name this host?
http_is_exempt() {
  http_exempt_host=$1
  set -f
  # shellcheck disable=SC2046 # a list
  set -- $(printf '%s' "${no_proxy:-${NO_PROXY:-}}" | tr ',' ' ')
  set +f
  for http_exempt; do
    case $http_exempt in
      '*') return 0 ;;
      */*) in_network "$http_exempt_host" "$http_exempt" && return 0 ;;
    esac
    http_exempt=${http_exempt#\*} http_exempt=${http_exempt#.}
    case $http_exempt_host in
      "$http_exempt" | *".$http_exempt") return 0 ;;
    esac
  done
  return 1
}

# 10.10.1.4 10.0.0.0/8
in_network() {
  is_ipv4 "$1" && is_ipv4 "${2%/*}" || return 1
  in_network_bits=${2##*/}
  case $in_network_bits in [0-9] | [12][0-9] | 3[0-2]) ;; *) return 1 ;; esac
  [ "$(($(ipv4_number "$1") >> (32 - in_network_bits)))" -eq "$(($(ipv4_number "${2%/*}") >> (32 - in_network_bits)))" ]
}

is_ipv4() {
  case $1 in *[!0-9.]* | .* | *. | *..* | *.*.*.*.* | *[0-9][0-9][0-9][0-9]* | 0[0-9]* | *.0[0-9]*) return 1 ;; *.*.*.*) ;; *) return 1 ;; esac
}

ipv4_number() {
  (
    IFS=.
    # shellcheck disable=SC2086 # four numbers
    set -- $1
    echo "$((($1 << 24) + ($2 << 16) + ($3 << 8) + $4))"
  )
}

# shellcheck disable=SC2016 # perl's variables
HTTP_PERL='
use strict;
my ($host, $port, $name, $target, $part, $offset, $body, $head, $error) = @ARGV;
my $class = eval { require IO::Socket::IP; 1 } ? "IO::Socket::IP" : do { require IO::Socket::INET; "IO::Socket::INET" };
my $s = $class->new(PeerHost => $host, PeerAddr => $host, PeerPort => $port, Proto => "tcp", Timeout => 15)
  or die "no connection to $host:$port: $@\n";
binmode $s;
my $form = "";
if ($body ne "") { local $/; open my $b, "<", $body or die $!; binmode $b; $form = <$b>; }
my $request = ($body ne "" ? "POST" : "GET") . " $target HTTP/1.0\r\nHost: $name\r\nConnection: close\r\n";
$request .= "User-Agent: diskful-perl\r\n";
$request .= "Range: bytes=$offset-\r\n" if $offset;
$request .= "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: " . length($form) . "\r\n" if $body ne "";
print $s "$request\r\n$form";
$s->flush;
open my $h, ">", $head or die $!;
my ($status, $length);
while (defined(my $line = <$s>)) {
  $line =~ s/\r?\n$//;
  last if $line eq "";
  print $h "$line\n";
  $status = $1 if !defined $status && $line =~ m{^HTTP/\S+ (\d+)};
  $length = $1 if $line =~ /^content-length:\s*(\d+)/i;
}
close $h;
defined $status or die "no HTTP answer from $host:$port\n";
my $good = $status >= 200 && $status < 300;
my $mode = $good && $offset && $status == 206 ? ">>" : ">";
open my $o, $mode, $good ? $part : $error or die $!;
binmode $o;
my ($got, $n) = (0, 0);
while (($n = read $s, my $block, 65536)) { print $o $block or die $!; $got += $n; }
close $o or die $!;
exit($good && defined $n && (!defined $length || $got == $length) ? 0 : 1);
'

# shellcheck disable=SC2016 # bash's variables, expanded over there
HTTP_BASH='
host=$1 port=$2 name=$3 target=$4 part=$5 offset=$6 body=$7 head=$8 error=$9
cr=$(printf "\r")
exec 3<>"/dev/tcp/$host/$port" || exit 1
method=GET
[ -z "$body" ] || method=POST
{
  printf "%s %s HTTP/1.0\r\nHost: %s\r\nConnection: close\r\nUser-Agent: diskful-bash\r\n" "$method" "$target" "$name"
  [ "$offset" -eq 0 ] || printf "Range: bytes=%s-\r\n" "$offset"
  if [ -n "$body" ]; then
    form=$(cat "$body")
    printf "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %s\r\n\r\n%s" "${#form}" "$form"
  else
    printf "\r\n"
  fi
} >&3 || exit 1
status= length=
while IFS= read -r -t 600 line <&3; do
  line=${line%"$cr"}
  [ -n "$line" ] || break
  printf "%s\n" "$line" >>"$head"
  case $line in
    HTTP/*) [ -n "$status" ] || { status=${line#* }; status=${status%% *}; } ;;
    [Cc][Oo][Nn][Tt][Ee][Nn][Tt]-[Ll][Ee][Nn][Gg][Tt][Hh]:*) length=${line#*:}; length=${length# } ;;
  esac
done
case $status in
  206) [ "$offset" -gt 0 ] || exit 1; cat <&3 >>"$part" || exit 1 ;;
  2??) offset=0; cat <&3 >"$part" || exit 1 ;;
  *) cat <&3 >"$error"; exit 1 ;;
esac
[ -z "$length" ] || [ "$(wc -c <"$part")" -eq $((offset + length)) ]
'

# Runs a command, and ends it when the file has not grown for so many seconds; for clients without such a limit. The
# watcher ends by itself, a second after the command: a signal may reach it before it has dropped this shell's traps.
stall_guard() {
  stall_limit=$1 stall_file=$2
  shift 2
  "$@" &
  stall_pid=$!
  (
    trap - EXIT HUP INT TERM
    idle=0 last=-1
    while sleep 1 && kill -0 "$stall_pid"; do
      size=$(file_size "$stall_file")
      idle=$((idle + 1))
      [ "$size" = "$last" ] || idle=0
      last=$size
      [ "$idle" -lt "$stall_limit" ] || kill "$stall_pid"
    done
  ) >/dev/null 2>&1 9>&- &
  wait "$stall_pid"
}

# Everything but letters, digits and -._~/ as %XX; blanks as +. Bytes beyond ASCII and control characters go.
url_text() {
  printf '%s\n' "$1" | tr '\t' ' ' | LC_ALL=C tr -cd ' -~\n' | sed -e '
    s/%/%25/g; s/+/%2B/g; s/&/%26/g; s/=/%3D/g; s/;/%3B/g; s/#/%23/g; s/?/%3F/g; s/"/%22/g; s/'\''/%27/g
    s/</%3C/g; s/>/%3E/g; s/\\/%5C/g; s/`/%60/g; s/|/%7C/g; s/\^/%5E/g; s/{/%7B/g; s/}/%7D/g; s/\[/%5B/g; s/\]/%5D/g
    s/!/%21/g; s/\$/%24/g; s/(/%28/g; s/)/%29/g; s/\*/%2A/g; s/,/%2C/g; s/:/%3A/g; s/@/%40/g; s/ /+/g' |
    sed -e '$!s/$/%0A/' | tr -d '\n'
}

form_field() {
  printf '%s%s=%s' "$([ ! -s "$FORM_FILE" ] || echo '&')" "$1" "$(url_text "$2")" >>"$FORM_FILE"
}
