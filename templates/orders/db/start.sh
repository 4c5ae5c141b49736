#!/bin/sh
# Starts a PostgreSQL for tests from any image that has one in it, as an ordinary user, with its data in memory.
# usage: start.sh          prepares the data directory when it is empty, then becomes the server
#        start.sh ready    ends with 0 when the server takes connections
set -eu

data=${PGDATA_ROOT:-/var/lib/postgresql/data}/orders
password=${PASSWORD_FILE:-/run/secrets/db-password}

# The official image has the programs in PATH, Debian's packages keep them here.
for directory in /usr/lib/postgresql/*/bin; do
  PATH=$PATH:$directory
done

if [ "${1:-start}" = ready ]; then
  exec pg_isready --quiet --host=127.0.0.1 --username=orders --dbname=orders
fi

if [ ! -s "$data/PG_VERSION" ]; then
  initdb --pgdata="$data" --username=orders --pwfile="$password" --auth=scram-sha-256 \
    --encoding=UTF8 --locale=C --no-sync --no-instructions >/dev/null
  echo 'host all all all scram-sha-256' >>"$data/pg_hba.conf"
  # Single-user mode: nobody can connect before the database is complete, so "ready" is never said too early.
  echo 'CREATE DATABASE orders' | postgres --single -D "$data" -c fsync=off postgres >/dev/null
fi

# Nothing here outlives the container, so nothing is flushed to disk.
exec postgres -D "$data" -c listen_addresses='*' -c unix_socket_directories="$data" \
  -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c shared_buffers=32MB
