//! Words that signing keys are made of: what tutorials, templates and tests use, and what people type first.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

/// Each is tried as itself and in the codings.
#[rustfmt::skip]
pub(super) static WORDS: &[&str] = &[
    // Nothing, and nearly nothing.
    "", " ", "a", "x", "0", "1", "123", "1234", "12345", "123456", "1234567", "12345678", "123456789", "1234567890",
    "0123456789", "0123456789abcdef", "0123456789abcdef0123456789abcdef", "00000000000000000000000000000000",
    "11111111111111111111111111111111", "12345678901234567890123456789012", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "abc", "abc123", "abcd1234", "abcdef", "abcdefghijklmnopqrstuvwxyz", "deadbeef", "cafebabe", "null", "undefined",
    "none", "None", "nil", "true", "false", "NaN", "[object Object]", "\0", "\n",
    // Secret, in all its spellings.
    "secret", "Secret", "SECRET", "secret1", "secret12", "secret123", "secret1234", "secret!", "secrets", "s3cret",
    "s3cr3t", "S3cr3t", "secretkey", "secretKey", "SecretKey", "secret-key", "secret_key", "SECRET_KEY", "secret key",
    "mysecret", "my-secret", "my_secret", "mySecret", "my secret", "mysecretkey", "my-secret-key", "my_secret_key",
    "mySecretKey", "my_super_secret", "my-super-secret-key", "topsecret", "top-secret", "top_secret", "supersecret",
    "super-secret", "super_secret", "superSecret", "supersecretkey", "super-secret-key", "super_secret_key",
    "super secret", "verysecret", "very-secret", "very_secret", "verysecretkey", "notsecret", "not-a-secret",
    "not_so_secret", "shhhh", "shhhhh", "shhhhhhared-secret", "shared-secret", "sharedsecret", "shared_secret",
    "thisisasecret", "this-is-a-secret", "this is a secret", "thisismysecret", "thisisasecretkey", "itsasecret",
    "keepitsecret", "dontshare", "donottell", "supersecretpassword", "secretpassword",
    // What documents of libraries show.
    "your-256-bit-secret", "your-384-bit-secret", "your-512-bit-secret", "a-string-secret-at-least-256-bits-long",
    "a-valid-string-secret-that-is-at-least-512-bits-long-which-is-very-long", "your-secret", "your-secret-key",
    "your_secret_key", "your-secret-key-here", "your-super-secret-key", "your_jwt_secret", "your-jwt-secret",
    "your-jwt-secret-key", "yoursecret", "yoursecretkey", "YOUR_SECRET_KEY", "YOUR_SECRET", "<your-secret>",
    "insert-your-secret-here", "replace-me", "replaceme", "REPLACE_ME", "change-me", "change_me", "changeme",
    "changeMe", "CHANGEME", "CHANGE_ME", "ChangeMe", "changeit", "changethis", "change-this", "change_this",
    "change_this_secret", "changethissecret", "please-change-me", "pleasechangeme", "fixme", "todo", "TODO",
    "placeholder", "example", "example_key", "example-secret", "sample", "default", "defaultsecret", "default-secret",
    "default_secret_key", "foobar", "foo", "bar", "baz", "lorem", "hello", "helloworld", "hello world", "gotcha",
    "keyboard cat", "keyboardcat", "tasmanianDevil", "random", "randomkey", "random-key", "random_string",
    "randomstring", "somerandomkey", "some-random-string", "some_secret", "somesecret", "some-secret-key",
    // Names of the thing itself.
    "jwt", "JWT", "jwtsecret", "jwt-secret", "jwt_secret", "JWT_SECRET", "jwtSecret", "JwtSecret", "jwtkey", "jwt-key",
    "jwt_key", "jwtSecretKey", "jwt_secret_key", "JWT_SECRET_KEY", "jwtpassword", "token", "tokensecret", "token-secret",
    "token_secret", "accesstoken", "access_token_secret", "refresh_token_secret", "auth", "authsecret", "auth-secret",
    "session", "session_secret", "cookie_secret", "signing-key", "signing_key", "signingkey", "sign", "hmac", "HS256",
    "key", "mykey", "my-key", "my_key", "privatekey", "private-key", "private_key", "publickey", "apikey", "api-key",
    "api_key", "appsecret", "app-secret", "app_secret", "APP_SECRET", "client_secret", "clientsecret", "masterkey",
    "master-key", "encryption_key", "salt", "pepper", "passphrase",
    // Passwords and places.
    "password", "Password", "PASSWORD", "password1", "password123", "Password1", "Password123", "P@ssw0rd", "p@ssw0rd",
    "passw0rd", "pass", "qwerty", "qwerty123", "letmein", "welcome", "iloveyou", "admin", "admin123", "administrator",
    "root", "toor", "guest", "user", "demo", "test", "test123", "testing", "test-secret", "test_secret", "testsecret",
    "testkey", "dev", "devsecret", "dev-secret", "dev_secret", "dev-secret-key", "development", "debug", "local",
    "localhost", "staging", "prod", "production", "server", "backend", "api", "app", "web", "django-insecure",
    "flask", "laravel", "express", "spring", "fastapi", "rails",
];
