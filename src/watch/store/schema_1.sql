-- Times: session.started_ns is nanoseconds since 1970; t_ms is milliseconds of the boot clock since the session began.

CREATE TABLE name (
  id    INTEGER PRIMARY KEY,
  name  TEXT NOT NULL UNIQUE
);

CREATE TABLE session (
  id            INTEGER PRIMARY KEY,
  run           INTEGER NOT NULL,            -- first session of the same process
  boot_id       TEXT    NOT NULL,
  version       TEXT    NOT NULL,
  every_ms      INTEGER NOT NULL,
  started_ns    INTEGER NOT NULL,
  boot_ms       INTEGER NOT NULL,            -- boot clock at the beginning
  by_reference  INTEGER NOT NULL,            -- started_ns is a reference's, not the host's own
  last_ms       INTEGER NOT NULL DEFAULT 0,  -- last observation
  samples       INTEGER NOT NULL DEFAULT 0,  -- observations, thinned ones included
  rolled_ms     INTEGER NOT NULL DEFAULT -1, -- figures up to here stand in rollup
  ended         TEXT                         -- stopped, paused, clock, store; NULL: goes on, or was killed
);

CREATE TABLE sample (                        -- kept for a day
  session  INTEGER NOT NULL REFERENCES session,
  t_ms     INTEGER NOT NULL,
  wall_ns  INTEGER NOT NULL,                 -- the host's own clock
  took_us  INTEGER NOT NULL,
  full     INTEGER NOT NULL,                 -- 1: everything was asked, 0: the cheap checks
  verdict  TEXT    NOT NULL,
  PRIMARY KEY (session, t_ms)
) WITHOUT ROWID;

CREATE TABLE measure (                       -- kept for a day
  session  INTEGER NOT NULL REFERENCES session,
  t_ms     INTEGER NOT NULL,
  name     INTEGER NOT NULL REFERENCES name,
  value    REAL    NOT NULL,
  PRIMARY KEY (session, t_ms, name)
) WITHOUT ROWID;

CREATE TABLE rollup (                        -- minutes for 35 days, hours for two years
  span_s  INTEGER NOT NULL,                  -- 60 or 3600
  name    INTEGER NOT NULL REFERENCES name,
  at_s    INTEGER NOT NULL,                  -- beginning, seconds since 1970
  n       INTEGER NOT NULL,
  mean    REAL    NOT NULL,
  min     REAL    NOT NULL,
  max     REAL    NOT NULL,
  PRIMARY KEY (span_s, name, at_s)
) WITHOUT ROWID;

CREATE TABLE state (                         -- a row a change: outcomes, causes, addresses
  session  INTEGER NOT NULL REFERENCES session,
  t_ms     INTEGER NOT NULL,                 -- first seen
  name     INTEGER NOT NULL REFERENCES name,
  value    TEXT    NOT NULL,
  cause    TEXT,
  settled  INTEGER NOT NULL,                 -- 1: a second observation agreed
  PRIMARY KEY (session, t_ms, name)
) WITHOUT ROWID;

CREATE TABLE event (
  session  INTEGER NOT NULL REFERENCES session,
  t_ms     INTEGER NOT NULL,
  kind     TEXT    NOT NULL,
  seconds  REAL,
  text     TEXT    NOT NULL,
  PRIMARY KEY (session, t_ms, kind)
) WITHOUT ROWID;

CREATE TABLE facts (                         -- raw observations as JSON, deflated (zlib)
  session  INTEGER NOT NULL REFERENCES session,
  t_ms     INTEGER NOT NULL,
  json     BLOB    NOT NULL,
  PRIMARY KEY (session, t_ms)
);

CREATE VIEW sessions AS
SELECT id, run, datetime(started_ns / 1000000000, 'unixepoch') AS started,
       datetime(started_ns / 1000000000 + last_ms / 1000, 'unixepoch') AS last_seen,
       samples, ended, version
FROM session;

-- Each settled value with the time for which it stood; `until` is NULL where it still does.
CREATE VIEW spans AS
SELECT n.name, s.value, s.cause,
       datetime((e.started_ns / 1000000 + s.t_ms) / 1000, 'unixepoch') AS since,
       datetime((e.started_ns / 1000000 + lead(s.t_ms, 1, e.last_ms) OVER w) / 1000, 'unixepoch') AS until,
       (lead(s.t_ms, 1, e.last_ms) OVER w - s.t_ms) / 1000.0 AS seconds
FROM state AS s JOIN session AS e ON e.id = s.session JOIN name AS n ON n.id = s.name
WHERE s.settled
WINDOW w AS (PARTITION BY s.session, s.name ORDER BY s.t_ms);

-- What was bad, for how long, and why.
CREATE VIEW incidents AS
SELECT name AS "check", value AS outcome, cause, since, until, seconds
FROM spans WHERE value IN ('warn', 'fail');

CREATE VIEW figures AS
SELECT n.name, datetime((e.started_ns / 1000000 + m.t_ms) / 1000, 'unixepoch') AS at, m.value
FROM measure AS m JOIN session AS e ON e.id = m.session JOIN name AS n ON n.id = m.name;

CREATE VIEW minutes AS
SELECT n.name, datetime(r.at_s, 'unixepoch') AS at, r.n, r.mean, r.min, r.max
FROM rollup AS r JOIN name AS n ON n.id = r.name WHERE r.span_s = 60;

CREATE VIEW hours AS
SELECT n.name, datetime(r.at_s, 'unixepoch') AS at, r.n, r.mean, r.min, r.max
FROM rollup AS r JOIN name AS n ON n.id = r.name WHERE r.span_s = 3600;
