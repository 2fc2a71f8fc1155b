-- Orders and what the payment provider tells us of them. The checkout is the provider's own:
-- what a customer types there never reaches these tables.

CREATE TABLE payment_order (
    id                     uuid PRIMARY KEY,
    order_number           text NOT NULL UNIQUE,
    organization_id        uuid NOT NULL REFERENCES organization,
    plan                   text NOT NULL REFERENCES plan,
    billing_period         text NOT NULL,
    amount_cents           bigint NOT NULL,
    currency               text NOT NULL,
    status                 text NOT NULL,
    paddle_transaction_id  text NOT NULL,
    created_at             timestamptz NOT NULL
);
COMMENT ON COLUMN payment_order.order_number IS 'Running number of the dashboard, 16 digits';
COMMENT ON COLUMN payment_order.paddle_transaction_id IS 'Transaction identifier given by the payment provider';

CREATE TABLE subscription (
    id                      uuid PRIMARY KEY,
    organization_id         uuid NOT NULL REFERENCES organization,
    project_id              uuid REFERENCES project ON DELETE SET NULL,
    plan                    text NOT NULL REFERENCES plan,
    billing_period          text NOT NULL,
    status                  text NOT NULL,
    paddle_subscription_id  text NOT NULL,
    payment_method          text NOT NULL,
    renews_at               timestamptz NOT NULL,
    created_at              timestamptz NOT NULL
);
COMMENT ON COLUMN subscription.payment_method IS 'How the provider labels the method to us, masked by it';

CREATE TABLE invoice (
    id                uuid PRIMARY KEY,
    invoice_number    text NOT NULL UNIQUE,
    organization_id   uuid NOT NULL REFERENCES organization,
    payment_order_id  uuid NOT NULL REFERENCES payment_order,
    billing_name      text NOT NULL,
    billing_email     text NOT NULL,
    tax_country       text NOT NULL,
    amount_cents      bigint NOT NULL,
    tax_cents         bigint NOT NULL,
    currency          text NOT NULL,
    line_items        jsonb NOT NULL,
    issued_at         timestamptz NOT NULL
);

CREATE TABLE payment_event (
    id                bigint PRIMARY KEY,
    event_id          text NOT NULL UNIQUE,
    event_type        text NOT NULL,
    payment_order_id  uuid NOT NULL REFERENCES payment_order,
    payload           jsonb NOT NULL,
    received_at       timestamptz NOT NULL
);
COMMENT ON COLUMN payment_event.payload IS 'Metadata kept of the provider''s notice; the keys are listed in the inventory';
