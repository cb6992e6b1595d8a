-- The logins of RefundDesk, as a superuser (or whoever may make roles), with psql in the application's database. Safe to repeat.
--
--   OWNER_PASSWORD=... APPLICATION_PASSWORD=... psql --set=ON_ERROR_STOP=1 --file=docs/logins.sql postgres://postgres@.../refunddesk
--
-- refunddesk_owner owns the tables and migrates, refunddesk works in them and owns nothing, refunddesk_tenant is what it becomes
-- for a page of one merchant (docs/adr/0023, docs/adr/0029). Needs psql 15 or newer, for \getenv.

\getenv owner_password OWNER_PASSWORD
\getenv application_password APPLICATION_PASSWORD

SELECT format('CREATE ROLE %I', name) FROM unnest(ARRAY['refunddesk_owner', 'refunddesk', 'refunddesk_tenant']) name
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec

ALTER ROLE refunddesk_owner LOGIN PASSWORD :'owner_password';
-- NOINHERIT: the tenants' role is something to become, not something to be. PostgreSQL 15 knows no other way to say it.
ALTER ROLE refunddesk LOGIN NOINHERIT PASSWORD :'application_password';
ALTER ROLE refunddesk_tenant NOLOGIN;
GRANT refunddesk_tenant TO refunddesk;

-- Who is no superuser hands over only to whom they belong.
SELECT 'GRANT refunddesk_owner TO CURRENT_USER' WHERE NOT pg_has_role('refunddesk_owner', 'MEMBER') \gexec

-- A database from before there were two logins is handed over, with all that is in it.
SELECT unnest(ARRAY['GRANT refunddesk TO CURRENT_USER', 'REASSIGN OWNED BY refunddesk TO refunddesk_owner'])
 WHERE EXISTS (SELECT FROM pg_class WHERE relowner = 'refunddesk'::regrole) \gexec
SELECT format('ALTER DATABASE %I OWNER TO refunddesk_owner', current_database()) \gexec
