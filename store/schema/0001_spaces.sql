-- 0001_spaces.sql - who keeps this record, its spaces, and what is local.
--
-- Nothing in this file is shared: these tables never leave the machine.  What
-- is shared is made from proto/rules.c, and what others wrote is in the log.
--
-- Hex is lower-case.  Ids that stand in shared rows, or that people see, are
-- hex texts here too, so that plain SQL can join them; keys are blobs.

-- The shape that the shared tables, their triggers and the views had when this
-- program last made them; whoever alters one by hand is told so.
CREATE TABLE shape (
  name TEXT NOT NULL PRIMARY KEY,  -- of a table, trigger or view; '' for all
  hash BLOB NOT NULL,              -- of its text; of '': of what was asked for
  rules INTEGER NOT NULL           -- the rules' version it was made from
) STRICT, WITHOUT ROWID;

-- Who keeps this record.  One row.
CREATE TABLE self (
  one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
  member TEXT NOT NULL,            -- the member's id, 64 hex digits
  node BLOB NOT NULL,              -- this installation's signing key, 32 bytes
  kind TEXT NOT NULL,              -- school, council or partner
  urn INTEGER NOT NULL,            -- 0: it has none
  name TEXT NOT NULL,              -- as its people call it
  member_cert BLOB NOT NULL,       -- as signed
  node_cert BLOB NOT NULL          -- as signed
) STRICT;

-- The spaces that this node is in, or carries.
CREATE TABLE space (
  n INTEGER PRIMARY KEY,           -- stands for the space in local tables
  id TEXT NOT NULL UNIQUE,         -- 32 hex digits
  kind TEXT NOT NULL,              -- cluster, network or named
  role TEXT NOT NULL,              -- this member's; carrier where only carried
  carried INTEGER NOT NULL,        -- 1: this node has no key to it
  name TEXT NOT NULL,              -- '' where only carried: it is sealed
  label BLOB NOT NULL,             -- what the author key here is derived from
  digest BLOB NOT NULL,            -- 16 bytes: sum of what its rows hold
  rows INTEGER NOT NULL            -- rows shown in the shared tables
) STRICT;

-- What this member may write where, for the triggers: made from `space` and the
-- rules whenever either changes.
CREATE TABLE door (
  space TEXT NOT NULL PRIMARY KEY, -- space.id
  n INTEGER NOT NULL,              -- space.n
  inserts INTEGER NOT NULL,        -- bit k: rows of the table with id k
  updates INTEGER NOT NULL         -- likewise; deletes too
) STRICT, WITHOUT ROWID;

-- The epoch chain of each space, as signed.
CREATE TABLE epoch (
  space INTEGER NOT NULL,          -- space.n
  number INTEGER NOT NULL,
  hash BLOB NOT NULL,
  bytes BLOB NOT NULL,
  PRIMARY KEY (space, number)
) STRICT;

-- The keys that open what was written in a space.  Secret.
CREATE TABLE space_key (
  space INTEGER NOT NULL,          -- space.n
  number INTEGER NOT NULL,         -- of the key, as epochs count them
  key BLOB NOT NULL,
  history BLOB NOT NULL,           -- opens the keys before it; 0s: not given
  PRIMARY KEY (space, number)
) STRICT, WITHOUT ROWID;

-- Members of each space: what the epoch chain adds up to, for queries.
CREATE TABLE member (
  space INTEGER NOT NULL,          -- space.n
  slot INTEGER NOT NULL,           -- its place, never given to another
  id TEXT NOT NULL,                -- 64 hex digits
  tag TEXT NOT NULL                -- the 12 digits of it that row ids carry
    GENERATED ALWAYS AS (substr(id, 1, 12)) STORED,
  name TEXT NOT NULL,
  role TEXT NOT NULL,
  kind TEXT NOT NULL,              -- school, council or partner
  urn INTEGER NOT NULL,            -- 0: it has none
  present INTEGER NOT NULL,        -- 0: it left or was removed
  PRIMARY KEY (space, slot)
) STRICT, WITHOUT ROWID;
CREATE INDEX member_id ON member (id, space);
CREATE INDEX member_tag ON member (space, tag);

-- Nodes of the members, and carriers: the same, for queries.
CREATE TABLE node (
  space INTEGER NOT NULL,          -- space.n
  slot INTEGER,                    -- of its member; NULL for a carrier
  noise BLOB NOT NULL,             -- its key on the wire
  author BLOB,                     -- its author key; NULL for a carrier
  name TEXT,                       -- of a carrier
  address TEXT NOT NULL,           -- HOST:PORT, or ''
  present INTEGER NOT NULL
) STRICT;
CREATE INDEX node_space ON node (space, slot);
CREATE INDEX node_author ON node (author);

-- Invites that this member, as chair, gave out and that are still open.  Secret.
CREATE TABLE invite (
  space INTEGER NOT NULL,          -- space.n
  id BLOB NOT NULL,
  secret BLOB NOT NULL,            -- what the ticket says
  role TEXT NOT NULL,
  expires_ms INTEGER NOT NULL,     -- since 1970, UTC
  PRIMARY KEY (space, id)
) STRICT, WITHOUT ROWID;

-- Requests to join that were left at this door.  Sealed to the chair, who adds
-- the words.
CREATE TABLE request (
  id INTEGER PRIMARY KEY AUTOINCREMENT, -- what `covey space admit` takes
  space INTEGER NOT NULL,          -- space.n
  invite BLOB NOT NULL,
  sealed BLOB NOT NULL,
  name TEXT,                       -- as asked; NULL until opened
  fingerprint TEXT                 -- of its member id, for people to compare
) STRICT;
CREATE INDEX request_invite ON request (space, invite);

-- Peers that were pinned by hand (`covey peer add`).
CREATE TABLE peer (
  key BLOB NOT NULL PRIMARY KEY,
  at TEXT NOT NULL                 -- HOST:PORT
) STRICT, WITHOUT ROWID;

-- Tickets being redeemed.  Secret.
CREATE TABLE joining (
  space TEXT NOT NULL PRIMARY KEY, -- the id: there is no row in `space` yet
  ticket TEXT NOT NULL,
  "left" INTEGER NOT NULL          -- 1: the request is at a door
) STRICT, WITHOUT ROWID;

-- Relays that were asked to carry a space and have not said yes.
CREATE TABLE wish (
  space INTEGER NOT NULL,          -- space.n
  key BLOB NOT NULL,
  at TEXT NOT NULL,                -- HOST:PORT
  PRIMARY KEY (space, key)
) STRICT, WITHOUT ROWID;

-- At a relay: what its keeper allowed it to carry.
CREATE TABLE allowed (
  what TEXT NOT NULL PRIMARY KEY   -- a space's id or a node's key, in hex
) STRICT, WITHOUT ROWID;

-- At a relay: who asked it to carry what, and waits.
CREATE TABLE asked (
  n INTEGER PRIMARY KEY,           -- the oldest goes first
  space TEXT NOT NULL,             -- the id
  key TEXT NOT NULL,               -- of the node that asks, in hex
  wall_ms INTEGER NOT NULL,        -- since 1970, UTC
  UNIQUE (space, key)
) STRICT;

-- The outbox: what was written to shared rows and is not sealed yet.  The
-- triggers write it, in the transaction of whoever writes the row.
CREATE TABLE outbox (
  seq INTEGER PRIMARY KEY,
  space INTEGER NOT NULL,          -- space.n
  tbl INTEGER NOT NULL,            -- the table's id in rules.c
  id TEXT NOT NULL,                -- the row's
  cols INTEGER NOT NULL,           -- bit k: the column with id k changed
  op INTEGER NOT NULL,             -- 1 insert, 2 update, 3 delete; 4: a row of
                                   -- this id is there and one is about to be
                                   -- inserted.  Where the insert (1) comes
                                   -- next, it replaced the row, else the 4
                                   -- says nothing
  seen BLOB,                       -- stamp names, 16 bytes each, that the form
                                   -- was opened on; NULL: what stands
  old TEXT                         -- of a delete: for each column its length in
                                   -- bytes, ":" and itself, or "-" for NULL
) STRICT;
CREATE INDEX outbox_delete ON outbox (tbl, id) WHERE op = 3;
