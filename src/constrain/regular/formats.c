/*
 * formats.c - formats of strings as regular expressions.
 *
 * None is wider than what ajv-formats and python-jsonschema accept; some are narrower, where the
 * two differ or where the rest is of no use in an answer.
 */
#include "constrain/regular/formats.h"

#include <string.h>

/* RFC 3339: days of the Gregorian calendar from the year 1 on, leap years and all. */
#define YEARS_LEAP                                                                                 \
    "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)"
#define DATE                                                                                       \
    "(?!0000)(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|"                        \
    "(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))|" YEARS_LEAP "-02-29)"
#define CLOCK "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
#define TIME CLOCK ":[0-5][0-9](?:\\.[0-9]+)?(?:Z|[+-]" CLOCK ")"

/* RFC 3339, appendix A: units in their order, and none left out in between. */
#define DAY_TIME "T(?:[0-9]+H(?:[0-9]+M(?:[0-9]+S)?)?|[0-9]+M(?:[0-9]+S)?|[0-9]+S)"
#define DURATION                                                                                   \
    "P(?:(?:[0-9]+D|[0-9]+M(?:[0-9]+D)?|[0-9]+Y(?:[0-9]+M(?:[0-9]+D)?)?)(?:" DAY_TIME ")?|"        \
    DAY_TIME "|[0-9]+W)"

#define UUID "[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"

/* RFC 1123; at most 7 parts of at most 30 characters, so that the whole has at most 253.  The last
 * begins with a letter, so that it is no address; hyphens stand alone, so that it is no "xn--". */
#define LABEL "[a-zA-Z0-9](?:-?[a-zA-Z0-9]){0,14}"
#define HOSTNAME "(?:" LABEL "\\.){0,6}[a-zA-Z](?:-?[a-zA-Z0-9]){0,14}"

#define OCTET "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
#define IPV4 "(?:" OCTET "\\.){3}" OCTET
#define H4 "[0-9a-fA-F]{1,4}"
#define IPV6                                                                                       \
    "(?:(?:" H4 ":){7}" H4 "|(?:" H4 ":){1,7}:|(?:" H4 ":){1,6}:" H4 "|"                           \
    "(?:" H4 ":){1,5}(?::" H4 "){1,2}|(?:" H4 ":){1,4}(?::" H4 "){1,3}|"                           \
    "(?:" H4 ":){1,3}(?::" H4 "){1,4}|(?:" H4 ":){1,2}(?::" H4 "){1,5}|"                           \
    H4 ":(?::" H4 "){1,6}|:(?::" H4 "){1,7}|::|::(?:ffff:)?" IPV4 ")"

/* RFC 5322 without quotes and comments. */
#define ATOM_CHARS "A-Za-z0-9!#$%&'*+/=?^_`{|}~"
#define ATOM "[" ATOM_CHARS "-]+"
#define DOMAIN "(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\\.)+" \
               "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
#define EMAIL ATOM "(?:\\." ATOM ")*@" DOMAIN
#define IDN_ATOM "[" ATOM_CHARS "\\u00a1-\\ud7ff-]+"
#define IDN_EMAIL IDN_ATOM "(?:\\." IDN_ATOM ")*@" DOMAIN

/* RFC 3986 and 3987; U is what IRIs allow beyond ASCII.  No addresses in brackets. */
#define UNICODE_CHARS "\\u00a1-\\ud7ff\\uf900-\\ufdcf\\ufdf0-\\uffef"
#define PCT "%[0-9A-Fa-f]{2}"
#define PLAIN "A-Za-z0-9._~!$&'()*+,;="
#define PCHAR(U) "(?:[" PLAIN ":@" U "-]|" PCT ")"
#define REG_NAME(U) "(?:[" PLAIN U "-]|" PCT ")*"
#define USER(U) "(?:(?:[" PLAIN ":" U "-]|" PCT ")*@)?"
#define AUTHORITY(U) "//" USER(U) REG_NAME(U) "(?::[0-9]{1,4})?(?:/" PCHAR(U) "*)*"
#define ABSOLUTE(U) "/(?:" PCHAR(U) "+(?:/" PCHAR(U) "*)*)?"
#define ROOTLESS(U) PCHAR(U) "+(?:/" PCHAR(U) "*)*"
#define NO_SCHEME(U) "(?:[" PLAIN "@" U "-]|" PCT ")+(?:/" PCHAR(U) "*)*"
#define TAIL(U) "(?:\\?(?:" PCHAR(U) "|[/?])*)?(?:#(?:" PCHAR(U) "|[/?])*)?"
#define URI(U)                                                                                     \
    "[A-Za-z][A-Za-z0-9+.-]*:(?:" AUTHORITY(U) "|" ABSOLUTE(U) "|" ROOTLESS(U) ")" TAIL(U)
#define REFERENCE(U)                                                                               \
    "(?:" URI(U) "|(?:" AUTHORITY(U) "|" ABSOLUTE(U) "|" NO_SCHEME(U) ")?" TAIL(U) ")"

/* RFC 4648, without bits that are lost. */
#define BASE64 "(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?"
#define BASE64URL "(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-][AQgw]|[A-Za-z0-9_-]{2}[AEIMQUYcgkosw048])?"

/* RFC 6901. */
#define POINTER "(?:/(?:[^~/]|~[01])*)*"

/* Expressions without groups: what every dialect reads alike. */
#define REGEX                                                                                      \
    "\\^?(?:(?:[A-Za-z0-9 _@:,;=<>&%!~'-]|\\.|\\\\[dDwWsS.]|\\[\\^?[A-Za-z0-9_]+\\])[*+?]?)*\\$?"

static const struct {
    const char *name, *regex;
} formats[] = {
    {"date", DATE}, {"time", TIME}, {"date-time", DATE "T" TIME}, {"duration", DURATION},
    {"uuid", UUID}, {"guid", UUID}, {"email", EMAIL}, {"idn-email", IDN_EMAIL},
    {"hostname", HOSTNAME}, {"idn-hostname", HOSTNAME}, {"ipv4", IPV4}, {"ipv6", IPV6},
    {"uri", URI("")}, {"url", URI("")}, {"uri-reference", REFERENCE("")},
    {"uri-template", REFERENCE("")}, {"iri", URI(UNICODE_CHARS)},
    {"iri-reference", REFERENCE(UNICODE_CHARS)}, {"byte", BASE64}, {"base64", BASE64},
    {"base64url", BASE64URL}, {"binary", "[^]*"}, {"password", "[^]*"},
    {"json-pointer", POINTER}, {"relative-json-pointer", "(?:0|[1-9]+0?)(?:#|" POINTER ")"},
    {"regex", REGEX},
    /* Of zod. */
    {"cuid", "[cC][0-9A-Za-z]{8,}"}, {"cuid2", "[a-z][0-9a-z]+"},
    {"ulid", "[0-7][0-9A-HJKMNP-TV-Z]{25}"}, {"nanoid", "[A-Za-z0-9_-]{21}"},
    {"e164", "\\+[1-9][0-9]{6,14}"}, {"cidrv4", IPV4 "/(?:[0-9]|[12][0-9]|3[0-2])"},
};

const char *regex_of_format(const char *name, size_t n) {
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (strlen(formats[i].name) == n && memcmp(formats[i].name, name, n) == 0) {
            return formats[i].regex;
        }
    }
    return NULL;
}
