/*
 * words.c - pairs, common words, numbers, and words out of syllables.
 */
#include "words.h"

#include "base/rng.h"

#include <stdio.h>
#include <string.h>

/* Separated by '|'; a piece may begin with a space.  Pairs come first: words are built of them. */
static const char pieces[] =
    "th|he|in|er|an|re|on|at|en|nd|ti|es|or|te|of|ed|is|it|al|ar|st|to|nt|ng|se|ha|as|ou|io|le|"
    "ve|co|me|de|hi|ri|ro|ic|ne|ea|ra|ce|li|ch|ll|be|ma|si|om|ur| t| a| s| w| c| o| b| p| f| m|"
    "ing|ion|the|and|ent|tion|ther|est|ers|ment|ble|ight|  |    |\n\n|, |...|--|()|==|\r\n|"
    " the| of| and| to| in| is| a|  a| that| for| it| was| on| with| as| are| be| this| have|"
    " from| or| by| not| at| but| an| they| you| we| he| she| his| her| which| will| can| all|"
    " one| there| their| what| so| if| would| about| more| when| who| out| up| some| time| its|"
    " into| only| other| new| than| then| two| like| now| people| my| made| over| did| down|"
    " way| after| first| many| most| these| may| any| work| part| take| place| where| much|"
    " before| right| too| means| old| tell| does| set| three| want| air| well| play| small| end|"
    " home| read| hand| large| add| even| land| here| must| big| high| such| follow| act| why|"
    " ask| change| light| kind| off| need| house| picture| try| again| animal| point| mother|"
    " world| near| build| self| earth| father| head| stand| own| page| should| country| found|"
    " answer| school| grow| study| still| learn| plant| cover| food| sun| four| between| state|"
    " keep| never| last| let| thought| city| tree| cross| farm| hard| start| might| story| saw|"
    " far| sea| draw| left| late| run| while| press| close| night| real| life| few| north|"
    " model| number| question| word| water| call| line| name| help| long| great| day| same|"
    " Hello| The| This| What| How|Hello|The|This|What|How|Once|Write|"
    "user|system|assistant|tool|function|return|def|int|void|const|static|struct|for|while|if|"
    " {|}|();|);|->|!=|<=|>=|&&|::|//|/*|*/| =| ==| +| -| (|):|\",| \"|':|'s|'t|'re|'ve|'ll|"
    "\xc3\xa9|\xc3\xbc|\xc3\xb6|\xc3\xa4|\xc3\x9f|\xc3\xb1|\xc3\xa7|\xe2\x80\x99|\xe2\x80\x9c|"
    "\xe2\x80\x9d|\xe2\x80\x94|\xe2\x82\xac|\xe4\xb8\xad|\xe6\x96\x87|\xe7\x9a\x84|\xe3\x81\xae|"
    "\xe3\x80\x82|\xd0\xbe|\xd0\xb5|\xd0\xb0|\xd8\xa7|\xd9\x84|\xf0\x9f\x98\x80|\xf0\x9f\x99\x82";

enum { N_PIECES = 1000, N_TWO_DIGITS = 100, N_THREE_DIGITS = 1000, MAX_SYLLABLES = 4 };

/* Piece number `i`; nothing behind the last one. */
static size_t piece_at(size_t i, char out[WORD_CAP]) {
    const char *p = pieces;
    while (i != 0 && p) {
        p = strchr(p, '|');
        p = p ? p + 1 : NULL;
        i--;
    }
    const size_t len = p ? strcspn(p, "|") : 0;
    memcpy(out, p ? p : "", len);
    out[len] = '\0';
    return len;
}

/* Word number `i`: one to four syllables; mostly with a space before it, sometimes a capital. */
static size_t syllables_at(size_t i, char out[WORD_CAP]) {
    static const char onsets[][4] = {"b", "c", "d", "f", "g", "h", "j", "k", "l", "m", "n",
                                     "p", "r", "s", "t", "v", "w", "z", "ch", "sh", "th", "br",
                                     "cr", "dr", "fr", "gr", "pr", "tr", "bl", "cl", "pl", "st"};
    static const char nuclei[][4] = {"a", "e", "i", "o", "u", "a", "e", "i",
                                     "o", "e", "ai", "ea", "ee", "oo", "ou", "io"};
    static const char codas[][4] = {"", "", "", "", "n", "r", "s", "t",
                                    "l", "m", "d", "ck", "nd", "nt", "st", "ng"};
    uint64_t bits = rng_at(UINT64_C(0x6c666d32), i);
    const uint32_t n = 1 + (uint32_t)(bits % MAX_SYLLABLES);
    const uint32_t dress = (uint32_t)(bits >> 2 & 7);
    size_t len = 0;
    bits >>= 5;
    if (dress < 5) {
        out[len++] = ' ';
    }
    for (uint32_t k = 0; k < n; k++) { /* 13 bits each: 5 + 4 + 4 */
        len += (size_t)snprintf(out + len, WORD_CAP - len, "%s%s%s", onsets[bits & 31],
                                nuclei[bits >> 5 & 15], codas[bits >> 9 & 15]);
        bits >>= 13;
    }
    if (dress == 0 || dress == 7) {
        char *first = out + (out[0] == ' ');
        *first = (char)(*first - 'a' + 'A');
    }
    return len;
}

size_t word_at(size_t i, char out[WORD_CAP]) {
    if (i < N_PIECES) return piece_at(i, out);
    i -= N_PIECES;
    if (i < N_TWO_DIGITS) return (size_t)snprintf(out, WORD_CAP, "%02zu", i);
    i -= N_TWO_DIGITS;
    if (i < N_THREE_DIGITS) return (size_t)snprintf(out, WORD_CAP, "%03zu", i);
    return syllables_at(i - N_THREE_DIGITS, out);
}
