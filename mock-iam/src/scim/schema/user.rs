//! The core attributes of a user (RFC 7643 §4.1). `password` is missing: nobody here has one. Must not know values.

use super::{Attribute, Kind};

pub(super) static ATTRIBUTES: [Attribute; 20] = [
    Attribute::text("userName", "Unique name: the id, the `sub` of tokens and the entity of policies as well")
        .required()
        .immutable()
        .unique(),
    Attribute::new("name", Kind::Complex(&NAME), "Components of the name"),
    Attribute::text("displayName", "Name for people"),
    Attribute::text("nickName", "Casual name"),
    Attribute::new("profileUrl", Kind::Reference, "Page about the user").refers_to(&["external"]),
    Attribute::text("title", "Title, such as Vice President"),
    Attribute::text("userType", "Relation to the organization, such as Contractor"),
    Attribute::text("preferredLanguage", "Languages, as in the header Accept-Language"),
    Attribute::text("locale", "Place, for currency and the form of dates"),
    Attribute::text("timezone", "Time zone, such as Europe/Berlin"),
    // Required, so that nobody can remove it: without a value, the default would hold again, which is `true`.
    Attribute::new("active", Kind::Boolean, "Whether the user may do anything at all").required(),
    Attribute::new("emails", Kind::Complex(&EMAIL), "Addresses for mail").multi_valued(),
    Attribute::new("phoneNumbers", Kind::Complex(&PHONE), "Numbers of telephones").multi_valued(),
    Attribute::new("ims", Kind::Complex(&INSTANT_MESSAGE), "Addresses for instant messages").multi_valued(),
    Attribute::new("photos", Kind::Complex(&PHOTO), "URLs of photos").multi_valued(),
    Attribute::new("addresses", Kind::Complex(&ADDRESS), "Physical addresses").multi_valued(),
    Attribute::new("groups", Kind::Complex(&GROUP), "Groups, one for each role").multi_valued().read_only(),
    Attribute::new("entitlements", Kind::Complex(&PLAIN), "Things that the user is entitled to").multi_valued(),
    Attribute::new("roles", Kind::Complex(&ROLE), "Roles: groups of the same names").multi_valued(),
    Attribute::new("x509Certificates", Kind::Complex(&CERTIFICATE), "Certificates in DER").multi_valued(),
];

static NAME: [Attribute; 6] = [
    Attribute::text("formatted", "The whole name"),
    Attribute::text("familyName", "Family name"),
    Attribute::text("givenName", "Given name"),
    Attribute::text("middleName", "Middle names"),
    Attribute::text("honorificPrefix", "Titles before the name"),
    Attribute::text("honorificSuffix", "Titles after the name"),
];

const DISPLAY: Attribute = Attribute::text("display", "Name for people");
const TYPE: Attribute = Attribute::text("type", "What it is for");
const PRIMARY: Attribute = Attribute::new("primary", Kind::Boolean, "Whether it is the preferred one; one at most is");

static EMAIL: [Attribute; 4] =
    [Attribute::text("value", "Address"), DISPLAY, TYPE.canonical(&["work", "home", "other"]), PRIMARY];

static PHONE: [Attribute; 4] = [
    Attribute::text("value", "Number"),
    DISPLAY,
    TYPE.canonical(&["work", "home", "mobile", "fax", "pager", "other"]),
    PRIMARY,
];

static INSTANT_MESSAGE: [Attribute; 4] = [
    Attribute::text("value", "Address"),
    DISPLAY,
    TYPE.canonical(&["aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"]),
    PRIMARY,
];

static PHOTO: [Attribute; 4] = [
    Attribute::new("value", Kind::Reference, "URL").refers_to(&["external"]),
    DISPLAY,
    TYPE.canonical(&["photo", "thumbnail"]),
    PRIMARY,
];

static ADDRESS: [Attribute; 8] = [
    Attribute::text("formatted", "The whole address"),
    Attribute::text("streetAddress", "Street and house"),
    Attribute::text("locality", "City"),
    Attribute::text("region", "State or region"),
    Attribute::text("postalCode", "Postal code"),
    Attribute::text("country", "Country, ISO 3166-1 alpha-2"),
    TYPE.canonical(&["work", "home", "other"]),
    PRIMARY,
];

static GROUP: [Attribute; 4] = [
    Attribute::text("value", "Identifier").exact().read_only(),
    Attribute::new("$ref", Kind::Reference, "URL").refers_to(&["Group"]).read_only(),
    Attribute::text("display", "Name for people").read_only(),
    Attribute::text("type", "How the user belongs to it").canonical(&["direct"]).read_only(),
];

static PLAIN: [Attribute; 4] = [Attribute::text("value", "Name"), DISPLAY, TYPE, PRIMARY];

static ROLE: [Attribute; 1] = [Attribute::text("value", "Name of the role").exact().required()];

static CERTIFICATE: [Attribute; 4] =
    [Attribute::new("value", Kind::Binary, "Certificate").exact(), DISPLAY, TYPE, PRIMARY];
