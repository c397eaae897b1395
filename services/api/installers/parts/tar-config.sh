# shellcheck shell=sh
# What becomes of a file of a package where there is one already: rpm's rules (rpmfilesDecideFate for upgrades,
# rpmfilesConfigConflict for what nobody owned).
#
# Provides: TAR_DECIDE (awk, after TAR_LOOK)
#   decide(ROW, PLACE)         put, skip, or put beside: new (as .rpmnew), save, orig (the old one becomes .rpmsave, .rpmorig)
#   same_as_disk(ROW, PLACE)

# shellcheck disable=SC2016 # awk's variables
TAR_DECIDE='
function same_as_disk(k, p) {
  if (rt[k] == "f" && there(p) == "f") return disk(p) == rs[k]
  if (rt[k] == "l" && (there(p) == "l" || there(p) == "D")) return disk(p) == rl[k]
  return 0
}
function what(is) { return is == "D" ? "l" : is }
function decide(n, p,   o, is, save) {
  is = what(there(p))
  if (!(p in OLDAT)) {
    if (is == "" || !index(rf[n], "c") || same_as_disk(n, p)) return "put"
    return index(rf[n], "n") ? "new" : "orig"
  }
  o = "o" OLDAT[p]
  if (!index(rf[n], "c") && !index(rf[o], "c")) return "put"
  if (is == "") return index(rf[n], "m") ? "skip" : "put"
  save = index(rf[n], "n") ? "new" : "save"
  if (is != rt[n] && rt[o] != "f" && rt[o] != "l") return save
  if (rt[n] != rt[o] && is != rt[o]) return save
  if (rt[n] != rt[o] || (rt[o] != "f" && rt[o] != "l")) return "put"
  if (same_as_disk(n, p) || same_as_disk(o, p)) return "put"
  if (rt[o] == "f" ? rs[o] == rs[n] : rl[o] == rl[n]) return "skip"
  return save
}
'
