-- Messages to support, what was attached to them, and reports of errors.

CREATE TABLE support_ticket (
    id          uuid PRIMARY KEY,
    account_id  uuid NOT NULL REFERENCES account ON DELETE CASCADE,
    subject     text NOT NULL,
    status      text NOT NULL,
    labels      text[] NOT NULL DEFAULT '{}',
    created_at  timestamptz NOT NULL
);

CREATE TABLE support_message (
    id            uuid PRIMARY KEY,
    ticket_id     uuid NOT NULL REFERENCES support_ticket ON DELETE CASCADE,
    author_email  text NOT NULL,
    body          text NOT NULL,
    created_at    timestamptz NOT NULL
);

CREATE TABLE support_attachment (
    id            uuid PRIMARY KEY,
    message_id    uuid NOT NULL REFERENCES support_message ON DELETE CASCADE,
    filename      text NOT NULL,
    content_type  text NOT NULL,
    size_bytes    bigint NOT NULL,
    storage_key   text NOT NULL,
    created_at    timestamptz NOT NULL
);

CREATE TABLE error_report (
    id          uuid PRIMARY KEY,
    project_id  uuid REFERENCES project ON DELETE SET NULL,
    account_id  uuid REFERENCES account ON DELETE SET NULL,
    message     text NOT NULL,
    stack       text NOT NULL,
    context     json NOT NULL,
    client_ip   inet NOT NULL,
    created_at  timestamptz NOT NULL
);
