-- People, the organizations they work for, and how they prove who they are.

CREATE TABLE account (
    id                 uuid PRIMARY KEY,
    email              text NOT NULL UNIQUE,
    email_verified_at  timestamptz,
    name               text NOT NULL,
    login_provider     text NOT NULL,
    provider_subject   text,
    password_hash      text,
    settings           jsonb NOT NULL DEFAULT '{}',
    created_at         timestamptz NOT NULL,
    last_active_at     timestamptz NOT NULL,
    deleted_at         timestamptz
);
COMMENT ON TABLE account IS 'One person who signs in at the dashboard';
COMMENT ON COLUMN account.login_provider IS 'email, google or github';
COMMENT ON COLUMN account.provider_subject IS 'Subject the login provider gave us; no name in it';
COMMENT ON COLUMN account.password_hash IS 'bcrypt, only where the provider is email';
COMMENT ON COLUMN account.deleted_at IS 'Set when the person asks for deletion; the row itself goes within 30 days';

CREATE TABLE organization (
    id                  uuid PRIMARY KEY,
    name                text NOT NULL,
    slug                text NOT NULL UNIQUE,
    country             text NOT NULL,
    tax_number          text,
    billing_email       text NOT NULL,
    paddle_customer_id  text NOT NULL,
    created_at          timestamptz NOT NULL,
    last_active_at      timestamptz NOT NULL,
    deleted_at          timestamptz
);
COMMENT ON COLUMN organization.paddle_customer_id IS 'Customer identifier given by the payment provider';
COMMENT ON COLUMN organization.tax_number IS 'VAT or similar number, as printed on invoices';

CREATE TABLE membership (
    id               uuid PRIMARY KEY,
    organization_id  uuid NOT NULL REFERENCES organization ON DELETE CASCADE,
    account_id       uuid NOT NULL REFERENCES account ON DELETE CASCADE,
    role             text NOT NULL,
    created_at       timestamptz NOT NULL
);

CREATE TABLE email_verification (
    id          uuid PRIMARY KEY,
    account_id  uuid NOT NULL REFERENCES account ON DELETE CASCADE,
    email       text NOT NULL,
    token_hash  text NOT NULL,
    created_at  timestamptz NOT NULL,
    used_at     timestamptz
);
COMMENT ON COLUMN email_verification.token_hash IS 'SHA-256 of the token in the link; the token itself is never kept';

CREATE TABLE auth_event (
    id          bigint PRIMARY KEY,
    account_id  uuid NOT NULL REFERENCES account ON DELETE CASCADE,
    kind        text NOT NULL,
    provider    text NOT NULL,
    client_ip   inet NOT NULL,
    user_agent  text NOT NULL,
    created_at  timestamptz NOT NULL
);
COMMENT ON TABLE auth_event IS 'Sign-ins, failures and resets: what support and abuse prevention look at';
