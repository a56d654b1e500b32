-- 0002_logs.sql - the logs, and what merging keeps beside the shared tables.
--
-- The change sets are what is shared: as signed, byte for byte.  All numbers
-- here (of spaces, authors, epochs, logs, change sets) are local, and so is
-- everything that merging makes of the change sets.

-- Author keys, so that other tables need not repeat 32 bytes.
CREATE TABLE author (
  n INTEGER PRIMARY KEY,
  key BLOB NOT NULL UNIQUE         -- Ed25519, 32 bytes
) STRICT;

-- Epochs that headers cite, also such as are not here yet; likewise.
CREATE TABLE cited_epoch (
  n INTEGER PRIMARY KEY,
  hash BLOB NOT NULL UNIQUE        -- 32 bytes
) STRICT;

-- One author's change sets in one space and one incarnation, with its head:
-- the newest of them.  Where a log forked (two change sets with one number),
-- each branch has a row of its own, from the first change set that differs.
CREATE TABLE log (
  n INTEGER PRIMARY KEY,
  space INTEGER NOT NULL,          -- space.n
  author INTEGER NOT NULL,         -- author.n
  incarnation BLOB NOT NULL,       -- 8 bytes
  branch INTEGER NOT NULL,         -- 0; 1, 2, ... where it forked
  forked INTEGER NOT NULL,         -- 1: it has other branches
  before BLOB NOT NULL,            -- what its first change set names as the one
                                   -- before it; 32 zeros: nothing
  number INTEGER NOT NULL,         -- of the head
  hash BLOB NOT NULL,
  clock INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  cited INTEGER NOT NULL,          -- 1: another change set cites or follows the
                                   -- head; else it is a tip
  superseded INTEGER NOT NULL,     -- 1: a later log of the author names the
                                   -- head as the one before it; else it is in
                                   -- the frontier
  UNIQUE (space, author, incarnation, branch)
) STRICT;
CREATE INDEX log_tip ON log (space) WHERE cited = 0;
CREATE INDEX log_frontier ON log (space, author) WHERE superseded = 0;

-- Change sets, in the order in which they came: within a space a causal order.
-- A header is put back from this row and the rows that it links to.
CREATE TABLE change_set (
  seq INTEGER PRIMARY KEY,         -- space.n * 2^32 + a count from 1
  log INTEGER NOT NULL,            -- log.n
  number INTEGER NOT NULL,
  clock INTEGER NOT NULL,          -- logical
  epoch INTEGER NOT NULL,          -- cited_epoch.n
  state INTEGER NOT NULL,          -- 0 applied, 1 void, 2 waiting, 3 carried
  wait INTEGER NOT NULL,           -- for what; see log.h
  verdict INTEGER NOT NULL,        -- see rules.h
  signed INTEGER NOT NULL,         -- 0: ours, to be signed once it is saved
  wall INTEGER,                    -- ms since 1970, as its author claims; NULL:
                                   -- not read
  length INTEGER,                  -- of the payload as signed; NULL: it is whole
  hash BLOB NOT NULL,              -- of the header, 32 bytes
  links BLOB NOT NULL,             -- LEB128: how many seqs back the previous one
                                   -- is (0: none), then each that it cites
  signature BLOB NOT NULL,         -- 64 bytes; zeros until signed, so that
                                   -- signing rewrites nothing but these
  payload BLOB NOT NULL            -- sealed
) STRICT;
CREATE UNIQUE INDEX change_set_number ON change_set (log, number);
CREATE INDEX change_set_name ON change_set (substr(hash, 1, 8));
CREATE INDEX change_set_void ON change_set (seq) WHERE state = 1;
CREATE INDEX change_set_waiting ON change_set (seq) WHERE state = 2;
CREATE INDEX change_set_unsigned ON change_set (seq) WHERE signed = 0;

-- The clock record of each row that a change set wrote: which writes stand.
CREATE TABLE clock (
  space INTEGER NOT NULL,          -- space.n
  tbl INTEGER NOT NULL,            -- the table's id in rules.c
  id BLOB NOT NULL,                -- the row's, 20 bytes
  stamps BLOB NOT NULL,            -- packed; see cell.h
  hash BLOB NOT NULL,              -- of the row; their sum is space.digest
  PRIMARY KEY (space, tbl, id)
) STRICT, WITHOUT ROWID;

-- Values that stand beside the one that is shown: no later write names them.
-- For column 0, existence: deletes (value 0) of a row that an edit, which they
-- had not seen, keeps alive.
CREATE TABLE sibling (
  id TEXT NOT NULL,                -- the row's, 40 hex digits
  tbl INTEGER NOT NULL,
  space INTEGER NOT NULL,          -- space.n
  col INTEGER NOT NULL,            -- the column's id in rules.c
  clock INTEGER NOT NULL,          -- the stamp of the write: logical clock,
  author INTEGER NOT NULL,         -- author.n,
  name BLOB NOT NULL,              -- first bytes of the header's hash
  value ANY,
  wall INTEGER,                    -- ms since 1970, as its author claims
  seq INTEGER,                     -- change_set.seq
  PRIMARY KEY (id, tbl, space, col, clock, author, name)
) STRICT, WITHOUT ROWID;

-- Stamps that a write named before they came.  Only who cites too little does
-- that; what is named here has no effect when it comes.
CREATE TABLE ahead (
  space INTEGER NOT NULL,          -- space.n
  tbl INTEGER NOT NULL,
  id BLOB NOT NULL,
  col INTEGER NOT NULL,
  name BLOB NOT NULL,
  PRIMARY KEY (space, tbl, id, col, name)
) STRICT, WITHOUT ROWID;

-- The values of rows that have a clock record and are not in their table:
-- deleted ones, which an edit that the delete had not seen may bring back, and
-- rows whose id another space's row has taken here.
CREATE TABLE aside (
  space INTEGER NOT NULL,          -- space.n
  tbl INTEGER NOT NULL,
  id BLOB NOT NULL,
  cells BLOB NOT NULL,             -- msgpack: [column, value, ...]
  PRIMARY KEY (space, tbl, id)
) STRICT, WITHOUT ROWID;
