-- What runs and what is asked of it, kept for a short time.

CREATE TABLE operational_log (
    id          bigint PRIMARY KEY,
    project_id  uuid REFERENCES project ON DELETE SET NULL,
    level       text NOT NULL,
    message     text NOT NULL,
    context     json NOT NULL,
    created_at  timestamptz NOT NULL
);

CREATE TABLE request_log (
    id           bigint PRIMARY KEY,
    project_id   uuid REFERENCES project ON DELETE SET NULL,
    method       text NOT NULL,
    path         text NOT NULL,
    status       integer NOT NULL,
    client_ip    inet NOT NULL,
    user_agent   text NOT NULL,
    duration_ms  integer NOT NULL,
    created_at   timestamptz NOT NULL
);
COMMENT ON COLUMN request_log.client_ip IS 'Address as the edge saw it; needed against abuse, gone with the row';

CREATE TABLE schema_migration (
    name        text PRIMARY KEY,
    applied_at  timestamptz NOT NULL
);
