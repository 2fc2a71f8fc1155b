-- What customers order: isolated Enfyra instances on shared database and edge services.

CREATE TABLE plan (
    id            text PRIMARY KEY,
    title         text NOT NULL,
    amount_cents  bigint NOT NULL,
    currency      text NOT NULL
);

CREATE TABLE project (
    id               uuid PRIMARY KEY,
    organization_id  uuid NOT NULL REFERENCES organization ON DELETE CASCADE,
    name             text NOT NULL,
    plan             text NOT NULL REFERENCES plan,
    region           text NOT NULL,
    status           text NOT NULL,
    tags             text[] NOT NULL DEFAULT '{}',
    created_at       timestamptz NOT NULL,
    last_active_at   timestamptz NOT NULL,
    deleted_at       timestamptz
);
COMMENT ON COLUMN project.status IS 'ordered, provisioning, running, suspended or removed';

CREATE TABLE subdomain (
    id          uuid PRIMARY KEY,
    project_id  uuid NOT NULL REFERENCES project ON DELETE CASCADE,
    hostname    text NOT NULL UNIQUE,
    created_at  timestamptz NOT NULL
);

CREATE TABLE tenant_credential (
    id           uuid PRIMARY KEY,
    project_id   uuid NOT NULL REFERENCES project ON DELETE CASCADE,
    kind         text NOT NULL,
    username     text NOT NULL,
    secret       text NOT NULL,
    fingerprint  text NOT NULL,
    created_at   timestamptz NOT NULL
);
COMMENT ON COLUMN tenant_credential.secret IS 'Generated for the instance; encrypted with the key of the region';
COMMENT ON COLUMN tenant_credential.fingerprint IS 'First bytes of the SHA-256, to compare without decrypting';

CREATE TABLE deployment (
    id          uuid PRIMARY KEY,
    project_id  uuid NOT NULL REFERENCES project ON DELETE CASCADE,
    version     text NOT NULL,
    node        text NOT NULL,
    status      text NOT NULL,
    metadata    jsonb NOT NULL,
    created_at  timestamptz NOT NULL
);
