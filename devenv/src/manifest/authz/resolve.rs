//! Operations under one name each: `METHOD /path` becomes the `operationId` where the document gives one.

use std::collections::BTreeMap;

use security_tests::access::AccessRules;
use security_tests::login::Call;

use super::Named;

pub(super) fn resolve(mut rules: AccessRules, operations: &[Named]) -> AccessRules {
    let ids: BTreeMap<&str, &str> = operations.iter().map(|named| (named.label.as_str(), named.id.as_str())).collect();
    let id = |name: &str| ids.get(name).map_or_else(|| name.to_owned(), |id| (*id).to_owned());
    rules.rules = rules
        .rules
        .into_iter()
        .map(|(name, mut rule)| {
            rule.prepare = rule.prepare.as_deref().map(id);
            (id(&name), rule)
        })
        .collect();
    for resource in rules.resources.values_mut() {
        resource.read = id(&resource.read);
        if let Some(create) = &mut resource.create {
            create.operation = id(&create.operation);
        }
        let lifecycle = &mut resource.lifecycle;
        lifecycle.transfer = lifecycle.transfer.as_deref().map(id);
        if let Some(archive) = &mut lifecycle.archive {
            archive.operation = id(&archive.operation);
            archive.ends.iter_mut().for_each(|ended| *ended = id(ended));
        }
    }
    for receiver in [&mut rules.session.events, &mut rules.session.backchannel_logout].into_iter().flatten() {
        receiver.operation = id(&receiver.operation);
    }
    let rename = |call: &mut Call| call.operation = id(&call.operation);
    rules.reset.iter_mut().for_each(rename);
    if let Some(login) = &mut rules.login {
        rename(&mut login.request);
        let optional =
            [&mut login.register, &mut login.password, &mut login.rename, &mut login.delete, &mut login.logout];
        optional.into_iter().flatten().for_each(rename);
        login.me = login.me.as_deref().map(id);
    }
    rules
}
