// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title The one storage word that a settlement reads and writes per payer.
/// @dev From the lowest bit:
///
/// | bits | field     | meaning                                                                     |
/// |------|-----------|-----------------------------------------------------------------------------|
/// | 96   | balance   | neuron held for this (user, provider), pending refunds included              |
/// | 96   | settled   | the highest cumulative paid by batch or voucher; never falls                 |
/// | 48   | upTo      | the number of the statement that raised `settled` last; never falls          |
/// | 10   | version   | signer version that raised `settled`, or the acknowledged one before that    |
/// | 1    | open      | the sub-account exists                                                       |
/// | 1    | listed    | it is in its provider's list, where it stays for ever                        |
/// | 2    | mode      | how `settled` moves: 0 not yet, 1 batches, 2 vouchers                        |
/// | 1    | queued    | there are pending refunds                                                    |
/// | 1    | aside     | the acknowledgement lies in the side word: read that first                   |
type AccountWord is uint256;

using AccountWordLib for AccountWord global;

library AccountWordLib {
    uint256 private constant MASK_96 = type(uint96).max;
    uint256 private constant MASK_48 = type(uint48).max;
    uint256 private constant MASK_10 = (1 << 10) - 1;

    uint256 private constant OPEN = 1 << 250;
    uint256 private constant LISTED = 1 << 251;
    uint256 private constant MODE = 3 << 252;
    uint256 private constant QUEUED = 1 << 254;
    uint256 private constant ASIDE = 1 << 255;

    uint256 private constant PLAIN_FLAGS = OPEN | LISTED | (MODE_BATCH << 252);

    uint256 internal constant MAX_VERSION = MASK_10;
    uint256 internal constant MODE_BATCH = 1;
    uint256 internal constant MODE_VOUCHER = 2;

    /// @dev A value does not fit its field.
    error AmountTooLarge(uint256 amount);

    function balance(AccountWord word) internal pure returns (uint256) {
        return AccountWord.unwrap(word) & MASK_96;
    }

    function settled(AccountWord word) internal pure returns (uint256) {
        return (AccountWord.unwrap(word) >> 96) & MASK_96;
    }

    function upTo(AccountWord word) internal pure returns (uint256) {
        return (AccountWord.unwrap(word) >> 192) & MASK_48;
    }

    function version(AccountWord word) internal pure returns (uint256) {
        return (AccountWord.unwrap(word) >> 240) & MASK_10;
    }

    function mode(AccountWord word) internal pure returns (uint256) {
        return (AccountWord.unwrap(word) & MODE) >> 252;
    }

    function isOpen(AccountWord word) internal pure returns (bool) {
        return AccountWord.unwrap(word) & OPEN != 0;
    }

    function isListed(AccountWord word) internal pure returns (bool) {
        return AccountWord.unwrap(word) & LISTED != 0;
    }

    function isQueued(AccountWord word) internal pure returns (bool) {
        return AccountWord.unwrap(word) & QUEUED != 0;
    }

    function isAside(AccountWord word) internal pure returns (bool) {
        return AccountWord.unwrap(word) & ASIDE != 0;
    }

    /// @dev An amount that does not fit is refused: 2^96 neuron is 79 times the supply of 0G.
    function withBalance(AccountWord word, uint256 amount) internal pure returns (AccountWord) {
        if (amount > MASK_96) revert AmountTooLarge(amount);
        return AccountWord.wrap((AccountWord.unwrap(word) & ~MASK_96) | amount);
    }

    function withVersion(AccountWord word, uint256 value) internal pure returns (AccountWord) {
        return AccountWord.wrap((AccountWord.unwrap(word) & ~(MASK_10 << 240)) | (value << 240));
    }

    function withMode(AccountWord word, uint256 value) internal pure returns (AccountWord) {
        return AccountWord.wrap((AccountWord.unwrap(word) & ~MODE) | (value << 252));
    }

    function withOpen(AccountWord word, bool on) internal pure returns (AccountWord) {
        return _flag(word, OPEN, on);
    }

    function withListed(AccountWord word) internal pure returns (AccountWord) {
        return _flag(word, LISTED, true);
    }

    function withQueued(AccountWord word, bool on) internal pure returns (AccountWord) {
        return _flag(word, QUEUED, on);
    }

    function withAside(AccountWord word, bool on) internal pure returns (AccountWord) {
        return _flag(word, ASIDE, on);
    }

    /// @dev Whether the word alone decides a row of a batch signed by signer number `signerVersion`: open, settled
    /// by batches before, this signer acknowledged, nothing pending, nothing aside.
    function isPlain(AccountWord word, uint256 signerVersion) internal pure returns (bool) {
        return AccountWord.unwrap(word) >> 240 == signerVersion | (PLAIN_FLAGS >> 240);
    }

    /// @dev Takes `amount` out of the balance into `settled`, by statement number `number`.
    /// The caller has made sure that `amount` is not more than the balance. `settled` cannot overflow its 96 bits:
    /// it becomes at most the row's cumulative.
    function pay(AccountWord word, uint256 amount, uint256 number) internal pure returns (AccountWord) {
        unchecked {
            uint256 raw = AccountWord.unwrap(word) - amount + (amount << 96);
            return AccountWord.wrap((raw & ~(MASK_48 << 192)) | (number << 192));
        }
    }

    function _flag(AccountWord word, uint256 bit, bool on) private pure returns (AccountWord) {
        uint256 raw = AccountWord.unwrap(word);
        return AccountWord.wrap(on ? raw | bit : raw & ~bit);
    }
}
