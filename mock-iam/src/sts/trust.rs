//! Trust policies of roles: AWS JSON, evaluated. Pure; must not know tokens' signatures.
//!
//! What is not understood is refused when it is read: a condition that is skipped would protect nothing.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use serde_json::{Map, Value};

use super::ACCOUNT;
use super::token::Claims;

/// The action that a statement must name.
const ACTION: &str = "sts:AssumeRoleWithWebIdentity";

/// Who may assume a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TrustPolicy(Vec<Statement>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Statement {
    allows: bool,
    federated: Vec<String>,
    actions: Vec<String>,
    conditions: Vec<Condition>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Condition {
    quantifier: Quantifier,
    operator: Operator,
    if_exists: bool,
    /// In lower case: keys have no letter case.
    key: String,
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quantifier {
    One,
    AnyValue,
    AllValues,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equals,
    NotEquals,
    EqualsIgnoreCase,
    NotEqualsIgnoreCase,
    Like,
    NotLike,
    Null,
}

impl TrustPolicy {
    /// Reads a policy document.
    ///
    /// # Errors
    /// What is wrong, or not understood.
    pub(crate) fn parse(document: &Value) -> Result<Self, String> {
        let document = document.as_object().ok_or("the trust policy is not an object")?;
        only(document, &["Version", "Id", "Statement"])?;
        let statements = match document.get("Statement") {
            Some(Value::Array(statements)) => statements.iter().collect(),
            Some(statement @ Value::Object(_)) => vec![statement],
            _ => return Err("the trust policy has no `Statement`".to_owned()),
        };
        statements.into_iter().map(Statement::parse).collect::<Result<_, _>>().map(Self)
    }

    /// Whether verified claims may assume the role under this session name; an explicit denial wins.
    pub(crate) fn allows(&self, claims: &Claims, session_name: &str) -> bool {
        let mut applying = self.0.iter().filter(|statement| statement.applies(claims, session_name)).peekable();
        applying.peek().is_some() && applying.all(|statement| statement.allows)
    }
}

impl Statement {
    fn parse(statement: &Value) -> Result<Self, String> {
        let statement = statement.as_object().ok_or("a statement is not an object")?;
        only(statement, &["Sid", "Effect", "Principal", "Action", "Condition"])?;
        let allows = match statement.get("Effect").and_then(Value::as_str) {
            Some("Allow") => true,
            Some("Deny") => false,
            _ => return Err("`Effect` must be `Allow` or `Deny`".to_owned()),
        };
        let federated = match statement.get("Principal") {
            Some(Value::String(all)) if all == "*" => vec!["*".to_owned()],
            Some(Value::Object(principals)) => {
                principals.get("Federated").map(|names| strings("Federated", names)).transpose()?.unwrap_or_default()
            }
            _ => return Err("`Principal` must be `{\"Federated\": …}`".to_owned()),
        };
        let actions = strings("Action", statement.get("Action").ok_or("a statement has no `Action`")?)?;
        let mut conditions = Vec::new();
        for (operator, tests) in statement.get("Condition").and_then(Value::as_object).into_iter().flatten() {
            let tests = tests.as_object().ok_or_else(|| format!("`{operator}` is not an object"))?;
            for (key, values) in tests {
                conditions.push(Condition::parse(operator, key, strings(key, values)?)?);
            }
        }
        Ok(Self { allows, federated, actions, conditions })
    }

    fn applies(&self, claims: &Claims, session_name: &str) -> bool {
        let arn = format!("arn:aws:iam::{ACCOUNT}:oidc-provider/{}", claims.provider);
        // AWS's own providers are named without an ARN; ours may be too.
        let trusted = |name: &String| name == "*" || *name == arn || *name == claims.provider;
        self.federated.iter().any(trusted)
            && self.actions.iter().any(|action| like(&action.to_lowercase(), &ACTION.to_lowercase()))
            && self.conditions.iter().all(|condition| condition.holds(claims, session_name))
    }
}

impl Condition {
    fn parse(operator: &str, key: &str, values: Vec<String>) -> Result<Self, String> {
        let (quantifier, name) = match operator.split_once(':') {
            None => (Quantifier::One, operator),
            Some(("ForAnyValue", name)) => (Quantifier::AnyValue, name),
            Some(("ForAllValues", name)) => (Quantifier::AllValues, name),
            Some(_) => return Err(format!("condition operator `{operator}` is not supported")),
        };
        let (name, if_exists) = name.strip_suffix("IfExists").map_or((name, false), |name| (name, true));
        let operator = match name {
            "StringEquals" => Operator::Equals,
            "StringNotEquals" => Operator::NotEquals,
            "StringEqualsIgnoreCase" => Operator::EqualsIgnoreCase,
            "StringNotEqualsIgnoreCase" => Operator::NotEqualsIgnoreCase,
            "StringLike" => Operator::Like,
            "StringNotLike" => Operator::NotLike,
            "Null" => Operator::Null,
            _ => return Err(format!("condition operator `{operator}` is not supported")),
        };
        Ok(Self { quantifier, operator, if_exists, key: key.to_lowercase(), values })
    }

    fn holds(&self, claims: &Claims, session_name: &str) -> bool {
        let found = context(claims, session_name, &self.key);
        if self.operator == Operator::Null {
            return self.values.iter().any(|value| (value == "true") == found.is_empty());
        }
        if found.is_empty() {
            let negated =
                matches!(self.operator, Operator::NotEquals | Operator::NotEqualsIgnoreCase | Operator::NotLike);
            return self.if_exists
                || self.quantifier == Quantifier::AllValues
                || (negated && self.quantifier == Quantifier::One);
        }
        match self.quantifier {
            Quantifier::AllValues => found.iter().all(|value| self.matches(value)),
            Quantifier::One | Quantifier::AnyValue => found.iter().any(|value| self.matches(value)),
        }
    }

    /// Several values are alternatives; of a negated operator none may match.
    fn matches(&self, found: &str) -> bool {
        let any = |test: fn(&str, &str) -> bool| self.values.iter().any(|value| test(value, found));
        match self.operator {
            Operator::Equals => any(|value, found| value == found),
            Operator::NotEquals => !any(|value, found| value == found),
            Operator::EqualsIgnoreCase => any(str::eq_ignore_ascii_case),
            Operator::NotEqualsIgnoreCase => !any(str::eq_ignore_ascii_case),
            Operator::Like => any(like),
            Operator::NotLike => !any(like),
            Operator::Null => false,
        }
    }
}

/// The values of a condition key: `PROVIDER:aud`, `oaud`, `sub`, `amr`, `email`, and `sts:RoleSessionName`. Other claims are
/// no keys at AWS, so they are none here.
fn context(claims: &Claims, session_name: &str, key: &str) -> Vec<String> {
    if key == "sts:rolesessionname" {
        return vec![session_name.to_owned()];
    }
    let prefix = format!("{}:", claims.provider.to_lowercase());
    let Some(name) = key.strip_prefix(&prefix) else { return Vec::new() };
    let texts = |claim: &str| match claims.all.get(claim) {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    // With an authorized party, that is what AWS calls the audience.
    let party = texts("azp");
    match name {
        "aud" if !party.is_empty() => party,
        "aud" => vec![claims.audience.clone()],
        "oaud" if !party.is_empty() => texts("aud"),
        "sub" | "amr" | "email" => texts(name),
        _ => Vec::new(),
    }
}

/// `*` stands for anything, `?` for one character.
fn like(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    // Row by row: which ends of the text the pattern so far can reach. Never exponential.
    let mut reached = vec![false; text.len() + 1];
    if let Some(start) = reached.first_mut() {
        *start = true;
    }
    for wanted in pattern {
        let mut next = vec![false; reached.len()];
        let mut earlier = false;
        for (index, slot) in next.iter_mut().enumerate() {
            let here = reached.get(index).copied().unwrap_or_default();
            let before = index.checked_sub(1);
            earlier = earlier || here;
            *slot = match (wanted, before) {
                ('*', _) => earlier,
                (_, None) => false,
                (wanted, Some(before)) => {
                    let fits = wanted == '?' || text.get(before) == Some(&wanted);
                    fits && reached.get(before).copied().unwrap_or_default()
                }
            };
        }
        reached = next;
    }
    reached.last().copied().unwrap_or_default()
}

fn strings(name: &str, value: &Value) -> Result<Vec<String>, String> {
    let text = |value: &Value| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(value) => Ok(value.to_string()),
        _ => Err(format!("`{name}` must be a string or a list of strings")),
    };
    match value {
        Value::Array(items) => items.iter().map(text).collect(),
        one => Ok(vec![text(one)?]),
    }
}

/// A misspelt member, such as `Conditions`, must not be passed over.
fn only(object: &Map<String, Value>, known: &[&str]) -> Result<(), String> {
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        Some(unknown) => Err(format!("`{unknown}` is not supported in a trust policy")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims(all: Value) -> Claims {
        Claims {
            provider: "idp.example.test/a".to_owned(),
            issuer: "https://idp.example.test/a".to_owned(),
            subject: "repo:acme/app:ref:refs/heads/main".to_owned(),
            audience: "sts.amazonaws.com".to_owned(),
            all: all.as_object().unwrap().clone(),
        }
    }

    fn allows(statement: Value, more: Value) -> bool {
        let mut all = json!({ "sub": "repo:acme/app:ref:refs/heads/main", "aud": "sts.amazonaws.com" });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let policy = TrustPolicy::parse(&json!({ "Version": "2012-10-17", "Statement": statement })).unwrap();
        policy.allows(&claims(all), "build")
    }

    fn statement(condition: Value) -> Value {
        json!({
            "Effect": "Allow",
            "Principal": { "Federated": "arn:aws:iam::000000000000:oidc-provider/idp.example.test/a" },
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": condition,
        })
    }

    #[test]
    fn operators_compare_as_the_reference_says() {
        for (condition, expected) in [
            (json!({}), true),
            (json!({ "StringEquals": { "idp.example.test/a:aud": "sts.amazonaws.com" } }), true),
            (json!({ "StringEquals": { "IDP.example.test/a:AUD": ["other", "sts.amazonaws.com"] } }), true),
            (json!({ "StringEquals": { "other.test:aud": "sts.amazonaws.com" } }), false),
            (json!({ "StringEquals": { "idp.example.test/a:sub": "repo:acme/*" } }), false),
            (json!({ "StringLike": { "idp.example.test/a:sub": "repo:acme/*:ref:refs/heads/mai?" } }), true),
            (json!({ "StringLike": { "idp.example.test/a:sub": "repo:globex/*" } }), false),
            (json!({ "StringNotLike": { "idp.example.test/a:sub": ["repo:globex/*", "repo:acme/*"] } }), false),
            (json!({ "StringNotEquals": { "idp.example.test/a:email": "a@example.test" } }), true),
            (json!({ "StringEqualsIfExists": { "idp.example.test/a:email": "a@example.test" } }), true),
            (json!({ "StringEquals": { "idp.example.test/a:repository": "acme/app" } }), false),
            (json!({ "Null": { "idp.example.test/a:email": "true" } }), true),
            (json!({ "Null": { "idp.example.test/a:sub": true } }), false),
            (json!({ "ForAnyValue:StringEquals": { "idp.example.test/a:amr": ["mfa"] } }), true),
            (json!({ "ForAllValues:StringEquals": { "idp.example.test/a:amr": ["mfa"] } }), false),
            (json!({ "StringEquals": { "sts:RoleSessionName": "build" } }), true),
            (json!({ "StringEqualsIgnoreCase": { "idp.example.test/a:aud": "STS.amazonaws.com" } }), true),
        ] {
            let more = json!({ "amr": ["pwd", "mfa"], "repository": "acme/app" });
            assert_eq!(allows(statement(condition.clone()), more), expected, "{condition}");
        }
    }

    #[test]
    fn with_an_authorized_party_that_is_the_audience_and_the_other_is_the_original_one() {
        let condition = json!({ "StringEquals":
            { "idp.example.test/a:aud": "web", "idp.example.test/a:oaud": "sts.amazonaws.com" } });
        assert!(allows(statement(condition), json!({ "azp": "web" })));
    }

    #[test]
    fn a_denial_wins_and_another_provider_or_action_is_no_permission() {
        let mut deny = statement(json!({ "StringLike": { "idp.example.test/a:sub": "*main" } }));
        deny["Effect"] = json!("Deny");
        assert!(!allows(json!([statement(json!({})), deny]), json!({})));
        let mut other = statement(json!({}));
        other["Principal"] = json!({ "Federated": "arn:aws:iam::000000000000:oidc-provider/idp.example.test" });
        assert!(!allows(other, json!({})));
        let mut action = statement(json!({}));
        action["Action"] = json!(["sts:AssumeRole"]);
        assert!(!allows(action.clone(), json!({})));
        action["Action"] = json!("sts:*");
        assert!(allows(action, json!({})));
    }

    #[test]
    fn what_is_not_understood_is_refused_when_it_is_read() {
        let mut misspelt = statement(json!({}));
        misspelt["Conditions"] = json!({});
        for statement in [misspelt, statement(json!({ "NumericEquals": { "a:b": "1" } })), json!({ "Effect": "Maybe" })]
        {
            assert!(TrustPolicy::parse(&json!({ "Statement": statement })).is_err(), "{statement}");
        }
        assert!(TrustPolicy::parse(&json!([])).is_err());
    }

    #[test]
    fn a_pattern_of_many_stars_is_matched_in_no_time() {
        let text = "a".repeat(5_000);
        assert!(!like(&format!("{}b", "*a".repeat(50)), &text));
        assert!(like("*", "") && like("a*", "a") && !like("a?", "a") && like("**b", "ab"));
    }
}
