# shellcheck shell=sh
# The head node's list of what to install, and the files on it.
#
# Provides
#   fetch_plan TYPE       PLAN_FILE, PLAN_ROWS; dies with E_NOT_OFFERED when a package is not on the head node, with
#                         E_DEPENDENCIES when one that was asked for cannot be installed beside the others
#   each_row FUNCTION     calls it once a file, in order of installation, with ROW_TYPE, ROW_NAME, ROW_VERSION,
#                         ROW_FILE (the last step of its URL), ROW_SIZE, ROW_SHA256 ('-' where not known yet) set;
#                         stops at, and returns, the first failure. Rows that this node has no use for (ROW_WHEN names
#                         a package that it has not) are left out
#   each_unresolved FUNCTION   calls it with PACKAGE REQUIREMENT for what is not on the head node
#   show_plan             prints it
#   fetch_row             downloads and checks the row's file; ROW_PATH is where it is; dies when it cannot
#   drop_downloads        after success: nothing is kept
# Downloads lie in STATE_DIR/downloads: a cut run's are continued by the next.
#
# The plan is text: one line a file, `type TAB name TAB version TAB file TAB size TAB sha256 [TAB when]`. Lines with #
# are about it: `#missing TAB name TAB near names`, `#unresolved TAB package TAB requirement`, and last `#end TAB rows`.

PLAN_FILE=
PLAN_ROWS=0
TAB=$(printf '\t')

fetch_plan() {
  PLAN_FILE=$WORK_DIR/plan
  fetch_plan_arch=$NODE_ARCH
  [ "$fetch_plan_arch" != unknown ] || fetch_plan_arch=$SERVED_ARCH
  [ "$fetch_plan_arch" != unknown ] || fetch_plan_arch=
  fetch "$SERVED_BASE_URL/plan?pkg=$1&arch=$fetch_plan_arch&os=$NODE_OS&packages=$(url_text "$PACKAGES")" "$PLAN_FILE" ||
    fetch_failed 'the plan'
  sed 's/^/  plan: /' "$PLAN_FILE" >&9
  PLAN_ROWS=$(grep -vc '^#' "$PLAN_FILE")
  [ "$(sed -n '$p' "$PLAN_FILE")" = "#end$TAB$PLAN_ROWS" ] ||
    die "$E_DAMAGED" "what $SERVED_BASE_URL/plan answers is no whole plan"
  refuse_missing "$1"
  each_unresolved refuse_apart
}

# What nobody but the request needs, and the plan has no place for.
refuse_apart() {
  [ "$1" != - ] || die "$E_DEPENDENCIES" \
    "$2 cannot be installed beside the rest of $PACKAGES (one conflicts with or obsoletes another); nothing was changed"
}

refuse_missing() {
  refuse_missing_text=
  while IFS=$TAB read -r refuse_missing_kind refuse_missing_name refuse_missing_near <&3; do
    [ "$refuse_missing_kind" = '#missing' ] || continue
    refuse_missing_text="$refuse_missing_text${refuse_missing_text:+, }$refuse_missing_name"
    [ "${refuse_missing_near:--}" = - ] || refuse_missing_text="$refuse_missing_text (it has $refuse_missing_near)"
  done 3<"$PLAN_FILE"
  [ -z "$refuse_missing_text" ] ||
    die "$E_NOT_OFFERED" "the head node has no $1 package $refuse_missing_text; nothing was changed"
}

each_row() {
  while IFS=$TAB read -r ROW_TYPE ROW_NAME ROW_VERSION ROW_FILE ROW_SIZE ROW_SHA256 ROW_WHEN <&3; do
    case $ROW_TYPE in '#'* | '') continue ;; esac
    [ -z "$ROW_WHEN" ] || row_is_wanted || continue
    "$1" 3<&- || return
  done 3<"$PLAN_FILE"
}

# `foo if bar`: only rpm can say whether a node has bar; its first word decides, versions and what is behind it do not.
row_is_wanted() {
  row_is_wanted_name=${ROW_WHEN#"${ROW_WHEN%%[!( ]*}"}
  row_is_wanted_name=${row_is_wanted_name%% *}
  [ "$NODE_RPM" = works ] || return 1
  "$RPM" -q --whatprovides "${row_is_wanted_name%)}" >/dev/null 2>&1 3<&-
}

each_unresolved() {
  while IFS=$TAB read -r each_unresolved_kind each_unresolved_name each_unresolved_what <&3; do
    [ "$each_unresolved_kind" != '#unresolved' ] || "$1" "$each_unresolved_name" "$each_unresolved_what" 3<&-
  done 3<"$PLAN_FILE"
}

show_plan() {
  say "plan: $PLAN_ROWS $INSTALLER package(s) from $SERVED_BASE_URL"
  each_row show_row
  each_unresolved show_unresolved
}

show_row() {
  say "  $ROW_NAME $ROW_VERSION ($ROW_FILE, $ROW_SIZE bytes)"
}

show_unresolved() {
  say "  $1 also needs $2: not on the head node, left to this node"
}

fetch_row() {
  fetch_row_dir=$STATE_DIR/downloads
  mkdir -p "$fetch_row_dir" || die "$E_NO_SPACE" "$fetch_row_dir cannot be made"
  ROW_PATH=$fetch_row_dir/$(printf '%s' "$ROW_FILE" | tr -c 'A-Za-z0-9._+~-' _)
  # What a plan without a checksum left here last time may be of another build.
  [ "$ROW_SHA256" != - ] || rm -f "$ROW_PATH" "$ROW_PATH.part"
  fetch_row_stall=$HTTP_STALL
  # The head node may have to make the TAR first, and says nothing until it has.
  [ "$ROW_TYPE" != tar ] || HTTP_STALL=$((SERVED_WAIT_SECONDS + 30))
  for fetch_row_try in 1 2 last; do
    if [ -f "$ROW_PATH" ]; then
      row_fits && break
      row_damaged "$fetch_row_try"
    fi
    case $ROW_SIZE in *[!0-9]* | '') ;; *) need_space "$ROW_SIZE" "$fetch_row_dir" ;; esac
    fetch "$SERVED_BASE_URL/download/$ROW_TYPE/$ROW_FILE" "$ROW_PATH" "$ROW_SIZE" || fetch_failed "$ROW_FILE"
  done
  HTTP_STALL=$fetch_row_stall
}

row_fits() {
  case $ROW_SHA256 in
    ????????????????????????????????????????????????????????????????) row_fits_sha256=$ROW_SHA256 ;;
    *)
      fetch "$SERVED_BASE_URL/download/$ROW_TYPE/$ROW_FILE.sha256" "$WORK_DIR/sha256" || fetch_failed "$ROW_FILE.sha256"
      row_fits_sha256=$(sed -n '1s/^\\\{0,1\}\([0-9a-f]\{64\}\) .*/\1/p' "$WORK_DIR/sha256")
      ;;
  esac
  checksum_fits "$ROW_PATH" "$row_fits_sha256"
}

row_damaged() {
  rm -f "$ROW_PATH" "$ROW_PATH.part"
  [ "$1" != last ] || die "$E_DAMAGED" "$ROW_FILE: its SHA-256 is not what the head node says, twice; nothing was installed"
  log "$ROW_FILE: wrong SHA-256, downloading it again"
}

drop_downloads() {
  rm -rf "$STATE_DIR/downloads"
}
