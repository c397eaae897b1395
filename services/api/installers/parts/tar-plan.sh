# shellcheck shell=sh
# From two lists of files and a look at the disk to what has to be done, as shell lines that name every path.
#
# Provides
#   tar_plan NEW OLD DIR   after tar_look with the same arguments; writes into DIR
#     stage.sh    puts everything beside its place, in folders PLACE/$TAR_TAG.new; changes nothing that anybody uses
#     commit.sh   backs up what is in the way into PLACE/$TAR_TAG.old and renames the new over it
#     undo.sh     takes a commit back, from wherever it stopped; may be repeated
#     remove.sh   what the old version had and the new one has not; may be repeated
#     labels.sh   SELinux labels of what was put
#     tidy.sh     removes the folders of stage and commit; may be repeated
#     probe.sh    can all folders be written?
#     text        for people; summary `key TAB value`; refused, why not (`kind TAB text`); warned
# The lines call the functions of tar-lay.sh.

# shellcheck disable=SC2016 # awk's variables
TAR_PLAN='
function refuse(kind, text) { print kind "\t" text > (DIR_ "/refused") }
function doubt(text) { print text > (DIR_ "/warned") }
function tell(text) { print "  " text > (DIR_ "/text") }
function group_of(g, top) {
  if (!(g in STAGED)) { STAGED[g] = 1; STAGE[++NSTAGE] = g }
  if ((g, top) in TOPSEEN) return
  TOPSEEN[g, top] = 1
  TOP[g, ++NTOP[g]] = top
}
function staged(p,   g, rel, top) {
  g = ground(p)
  rel = substr(p, length(g) + 2)
  top = rel
  sub(/\/.*/, "", top)
  group_of(g, top)
  if (top != rel) new_dir(dirn(p), g)
  return g "/" TAG ".new/" rel
}
function new_dir(d, g) {
  if (d == g || (d in MADE)) return
  new_dir(dirn(d), g)
  MADE[d] = 1
  if (d in E && !((d in NEWAT) && rt["n" NEWAT[d]] == "d") && !(d in OLDAT))
    refuse("conflict", coded(d) " is no directory, and files of this package belong below it")
  MAKE[++NMAKE] = g "/" TAG ".new/" substr(d, length(g) + 2)
}
function directory(i, p,   n, sp) {
  n = "n" i
  if (there(p) == "D") return
  if (there(p) == "d" || p == "") { known_dir(n, p); return }
  sp = staged(p)
  new_dir(p, ground(p))
  tell("directory " coded(p))
  own(n, sp)
  if (substr(rm[n], 1, 1) ~ /[2-7]/) SETID[++NSETID] = rm[n] " " q(ro[n]) " " q(rg[n]) " " q(sp)
  else if (rm[n] != "0755") MODE[++NMODE] = rm[n] " " q(sp)
}
function known_dir(n, p,   m) {
  m = dmode[p]
  while (length(m) < 4) m = "0" m
  if (m == rm[n] && ro[n] == "root" && rg[n] == "root" && duid[p] == 0 && dgid[p] == 0) return
  DIRSET[++NDIRSET] = rm[n] " " q(ro[n]) " " q(rg[n]) " " q(p == "" ? "/" : p)
  DIRBACK[NDIRSET] = m " " duid[p] " " dgid[p] " " q(p == "" ? "/" : p)
}
function unknown(n) { return (("user " ro[n]) in UNKNOWN) || (("group " rg[n]) in UNKNOWN) }
function own(n, sp,   w) {
  if (ro[n] == "root" && rg[n] == "root") return
  w = q(ro[n]) " " q(rg[n])
  if (!(w in OWNS)) { OWNS[w] = 0; OWNER_[++NOWNER] = w }
  OWNED[w, ++OWNS[w]] = sp
}
function linkable(p) {
  return ENVIRON["TAR_LINKS"] == "yes" && ddev[ground(p)] == ddev[ENVIRON["TAR_NEWTREE"]] && p ~ /^\/(usr|opt|lib|lib32|lib64|bin|sbin)\//
}
function into(how, sp, src,   d) {
  d = dirn(sp)
  if (!((how, d) in INTO)) { INTO[how, d] = 0; INTOLIST[how, ++NINTO[how]] = d }
  SOURCE[how, d, ++INTO[how, d]] = src
}
function put(i, p, suffix,   n, sp, src, special) {
  n = "n" i
  sp = staged(p suffix)
  src = ENVIRON["TAR_NEWTREE"] "/" rp[n]
  PUT[++NPUT] = p suffix
  special = ro[n] != "root" || rg[n] != "root" || substr(rm[n], 1, 1) != "0" || rc[n] != "" || ri[n] != ""
  if (rt[n] == "p") ONE[++NONE] = "lay_fifo " q(sp)
  else if (rt[n] == "c" || rt[n] == "b") ONE[++NONE] = "lay_node " rt[n] " " q(rd[n]) " " q(sp)
  # Not every tar can read a long target; ours stands in the row.
  else if (rt[n] == "l" && (rp[n] == "" || length(rl[n]) > 99)) ONE[++NONE] = "lay_symlink " q(rl[n]) " " q(sp)
  else if (rp[n] == "") { doubt(coded(p) " is not in the TAR; it is left out"); return }
  else if (rh[n] != "-" && (rh[n] in FIRST)) HARD[++NHARD] = q(FIRST[rh[n]]) " " q(sp)
  else if (suffix != "" || base(rp[n]) != base(p)) ONE[++NONE] = "lay_copy " q(src) " " q(sp)
  else if (!special && !index(rf[n], "c") && linkable(p)) into("lay_links", sp, src)
  else into("lay_copies", sp, src)
  if (rh[n] != "-") { if (rh[n] in FIRST) return; FIRST[rh[n]] = sp }
  own(n, sp)
  if (rt[n] == "l") return
  if (substr(rm[n], 1, 1) ~ /[2-7]/) SETID[++NSETID] = rm[n] " " q(ro[n]) " " q(rg[n]) " " q(sp)
  else if (rt[n] != "f" || substr(rm[n], 1, 1) != "0") MODE[++NMODE] = rm[n] " " q(sp)
  if (rc[n] != "" && unknown(n)) doubt(coded(p) ": no capabilities (" rc[n] ") for an owner that does not exist (" ro[n] ":" rg[n] ")")
  else if (rc[n] != "") CAPS[++NCAPS] = q(rc[n]) " " q(sp) " " q(p)
  if (ri[n] != "") IMA[++NIMA] = q(ri[n]) " " q(sp) " " q(p)
}
function file(i, p,   n, act) {
  n = "n" i
  if (rt[n] == "s") { doubt(coded(p) " is a socket; whatever listens there makes it"); return }
  if ((rt[n] == "c" || rt[n] == "b") && ENVIRON["TAR_NODES"] != "yes") {
    doubt(coded(p) " is a device, and none can be made here; it is left out")
    return
  }
  if ((rt[n] == "c" || rt[n] == "b") && unknown(n)) {
    doubt(coded(p) " is a device for an owner that does not exist (" ro[n] ":" rg[n] "); it is left out")
    return
  }
  if (there(p) == "d") { refuse("conflict", coded(p) " is a directory, and this package has a file of that name"); return }
  act = decide(n, p)
  if (act == "skip") { tell("keep      " coded(p) (there(p) == "" ? " (missing, and may be)" : " (changed on this node, the same in both versions)")); return }
  if ((p in E) && !(p in OLDAT) && (act == "put" || act == "orig") && (p in OWNER) && !same_as_disk(n, p))
    refuse("conflict", coded(p) " belongs to " OWNER[p])
  if (act == "new") { tell("config    " coded(p) " stays, the new one becomes " coded(p) ".rpmnew"); put(i, p, ".rpmnew"); return }
  if (act == "save" || act == "orig") {
    tell("config    " coded(p) " becomes " coded(p) ".rpm" act ", the new one takes its place")
    ONE[++NONE] = "lay_same " q(p) " " q(staged(p ".rpm" act))
  } else tell(((p in E) ? "replace   " : "new       ") coded(p))
  put(i, p, "")
}
# Files of the package below the folder pkg of its own home: that folder is swapped as a whole.
function inner(i, p,   n, rel, top) {
  n = "n" i
  rel = substr(p, length(HOME) + 6)
  top = rel
  sub(/\/.*/, "", top)
  if (top == "scripts" || top == "triggers" || top == "meta" || top == "_") {
    refuse("unsuitable", coded(p) " is where this installer keeps its own files")
    return
  }
  if (rt[n] == "d") ONE[++NONE] = "lay_inner_dir " q(ENVIRON["TAR_NEWTREE"] "/pkg/" rel)
  else if (rp[n] != "") ONE[++NONE] = "lay_inner " q(ENVIRON["TAR_NEWTREE"] "/" rp[n]) " " q(ENVIRON["TAR_NEWTREE"] "/pkg/" rel)
}
function removal(j, p,   o) {
  o = "o" j
  if (!(p in E)) return
  if (p in OWNER) { tell("keep      " coded(p) " (belongs to " OWNER[p] " as well)"); return }
  if (rt[o] == "d") {
    if (there(p) == "d") { RMDIR[++NRMDIR] = p; tell("rmdir     " coded(p) " (if it is empty)") }
    return
  }
  if (there(p) == "d") return
  # What a package only announced, and somebody configured: rpm leaves it.
  if (index(rf[o], "c") && index(rf[o], "g")) { tell("keep      " coded(p)); return }
  if (index(rf[o], "c") && rt[o] == "f" && there(p) == "f" && disk(p) != rs[o]) {
    SAVE[++NSAVE] = p
    tell("config    " coded(p) " becomes " coded(p) ".rpmsave")
    return
  }
  if (substr(rm[o], 1, 1) ~ /[2-7]/ || rc[o] != "") if (there(p) == "f") STRIP[++NSTRIP] = p
  GONE[++NGONE] = p
  tell("remove    " coded(p))
}
function below_pkg(p) { return p == HOME "/pkg" || substr(p, 1, length(HOME) + 5) == HOME "/pkg/" }
function lines(out, head, list, count,   i) { for (i = 1; i <= count; i++) print head " " list[i] " || return" > out }
function group_lines(out, how,   x, d, j) {
  for (x = 1; x <= NINTO[how]; x++) {
    d = INTOLIST[how, x]
    split("", LIST)
    for (j = 1; j <= INTO[how, d]; j++) LIST[j] = SOURCE[how, d, j]
    words(out, how, LIST, INTO[how, d], " " q(d))
  }
}
function commit(out, undo,   x, g, j, t, nk, nn) {
  for (x = 1; x <= NSTAGE; x++) {
    g = STAGE[x]
    split("", KEEP); split("", NEWS); split("", ALL)
    nk = nn = 0
    for (j = 1; j <= NTOP[g]; j++) {
      t = TOP[g, j]
      ALL[j] = t
      if ((g "/" t) in E) KEEP[++nk] = t
      else NEWS[++nn] = t
    }
    if (nk) print "lay_old " q(g) " || return" > out
    words(out, "lay_keep", KEEP, nk, " " q(g))
    for (j = 1; j <= nk; j++) if ((g "/" KEEP[j]) in MADE) print "lay_clear " q(g "/" KEEP[j]) " || return" > out
    words(out, "lay_put", ALL, NTOP[g], " " q(g))
    words(undo, "lay_unput", NEWS, nn, " " q(g))
    words(undo, "lay_restore", KEEP, nk, " " q(g))
  }
  lines(out, "lay_dir", DIRSET, NDIRSET)
  lines(undo, "lay_undir", DIRBACK, NDIRSET)
}
function everything(   i, p) {
  for (i = 1; i <= NBADLINK; i++) refuse("conflict", coded(BADLINK[i]) " is a link of a user who does not own what it leads to")
  for (i = 1; i <= NNEW; i++) {
    p = at(rD["n" i])
    if (index(rf["n" i], "g")) continue
    if (p in DONE) { if (rt["n" i] != "d") doubt(coded(rD["n" i]) " stands twice in the package"); continue }
    DONE[p] = 1
    if (below_pkg(p)) inner(i, p)
    else if (rt["n" i] == "d") directory(i, p)
    else file(i, p)
  }
  for (i = NOLD; i >= 1; i--) {
    p = at(rD["o" i])
    if (!(p in NEWAT) && !below_pkg(p) && !(p in MADE)) removal(i, p)
  }
}
# Every folder that something is put into or taken from.
function probe(d) {
  if (d in PROBED) return
  PROBED[d] = 1
  TIDY[++NPROBE] = d
  PROBE[NPROBE] = d "/" TAG ".new"
}
function probes(   i) {
  for (i = 1; i <= NSTAGE; i++) probe(STAGE[i])
  for (i = 1; i <= NGONE; i++) probe(dirn(GONE[i]))
  for (i = 1; i <= NSAVE; i++) probe(dirn(SAVE[i]))
}
function outputs(   o, w, j, x) {
  o = DIR_ "/stage.sh"
  words(o, "lay_stage", STAGE, NSTAGE, "")
  words(o, "lay_dirs", MAKE, NMAKE, "")
  group_lines(o, "lay_links")
  group_lines(o, "lay_copies")
  lines(o, "", ONE, NONE)
  lines(o, "lay_hard", HARD, NHARD)
  for (x = 1; x <= NOWNER; x++) {
    w = OWNER_[x]
    split("", LIST)
    for (j = 1; j <= OWNS[w]; j++) LIST[j] = OWNED[w, j]
    words(o, "lay_owner", LIST, OWNS[w], " " w)
  }
  lines(o, "lay_mode", MODE, NMODE)
  lines(o, "lay_setid", SETID, NSETID)
  lines(o, "lay_caps", CAPS, NCAPS)
  lines(o, "lay_ima", IMA, NIMA)
  commit(DIR_ "/commit.sh", DIR_ "/undo.sh")
  o = DIR_ "/remove.sh"
  words(o, "lay_strip", STRIP, NSTRIP, "")
  words(o, "lay_gone", GONE, NGONE, "")
  words(o, "lay_save", SAVE, NSAVE, "")
  words(o, "lay_rmdir", RMDIR, NRMDIR, "")
  words(DIR_ "/labels.sh", "lay_label", PUT, NPUT, "")
  probes()
  words(DIR_ "/tidy.sh", "lay_tidy", TIDY, NPROBE, "")
  words(DIR_ "/probe.sh", "lay_probe", PROBE, NPROBE, "")
  print "put\t" NPUT + 0 "\ngone\t" NGONE + NSAVE "\nkept\t" NDIRSET + 0 > (DIR_ "/summary")
}
BEGIN {
  DIR_ = ENVIRON["TAR_PLANDIR"]; TAG = ENVIRON["TAR_TAG"]
  while ((getline line < (DIR_ "/unknown")) > 0) UNKNOWN[plain(line)] = 1
  look()
  HOME = canon(ENVIRON["TAR_HOME"])
  everything()
  outputs()
}
END { if (BROKEN) exit 4 }
'

tar_plan() {
  TAR_NEW=$1 TAR_OLD=$2 TAR_PLANDIR=$3
  TAR_KINDS=$3/kinds TAR_DETAILS=$3/details TAR_OWNERS=$3/owners
  export TAR_NEW TAR_OLD TAR_PLANDIR TAR_KINDS TAR_DETAILS TAR_OWNERS TAR_TAG TAR_HOME TAR_NEWTREE TAR_STATE TAR_LINKS TAR_NODES
  for tar_plan_file in stage commit undo remove labels tidy probe; do : >"$3/$tar_plan_file.sh" || return; done
  for tar_plan_file in text refused warned summary; do : >"$3/$tar_plan_file" || return; done
  tar_unknown_owners "$1" >"$3/unknown" || return
  awk "$TAR_AWK$TAR_LOOK$TAR_DECIDE$TAR_PLAN"
}
