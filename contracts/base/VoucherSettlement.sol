// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

import {IVoucherSettlement} from "../interfaces/IVoucherSettlement.sol";
import {AccountWord, AccountWordLib} from "../libraries/AccountWord.sol";
import {BatchSettlement} from "./BatchSettlement.sol";

/// @title Settlement of vouchers that the payers' session keys signed.
abstract contract VoucherSettlement is IVoucherSettlement, BatchSettlement {
    bytes32 private constant DELEGATION_TYPEHASH =
        keccak256("Delegation(address provider,address user,address sessionKey,uint96 cap,uint40 expiry)");
    bytes32 private constant VOUCHER_TYPEHASH = keccak256("Voucher(address provider,uint96 cumulative)");
    uint256 private constant GWEI = 1e9;
    // Assembly takes literals only.
    uint256 private constant VOUCHER_ROW = 88;
    uint256 private constant MASK_96 = 0xffffffffffffffffffffffff;
    uint256 private constant MASK_CAP = 0xffffffffffffff;
    uint256 private constant MASK_EXPIRY = 0xffffffffff00000000000000;
    uint256 private constant VOUCHER = 2;
    /// @dev Sets of modes, one bit each: 0 not yet settled, 2 vouchers.
    uint256 private constant FIRST_OR_VOUCHER = 5;
    uint256 private constant VOUCHER_ONLY = 4;

    /* DELEGATION */

    /// @inheritdoc IVoucherSettlement
    function delegateSession(
        address provider,
        address user,
        address sessionKey,
        uint96 cap,
        uint40 expiry,
        bytes calldata proof,
        bytes calldata signature
    ) external {
        // slither-disable-next-line divide-before-multiply: a cap is kept in whole gwei
        uint256 gweis = cap / GWEI;
        if (gweis > type(uint56).max) gweis = type(uint56).max;
        _checkExtends(_delegations[provider][sessionKey], user, gweis, expiry);
        bytes32 digest = _hashTypedDataV4(
            keccak256(abi.encode(DELEGATION_TYPEHASH, provider, user, sessionKey, cap, expiry))
        );
        address signer = ECDSA.recoverCalldata(digest, proof);
        if (signer != sessionKey) revert NotTheSessionKey(signer);
        if (msg.sender != user) {
            signer = ECDSA.recoverCalldata(digest, signature);
            if (signer != user) revert NotThePayer(signer);
        }

        _delegations[provider][sessionKey] = Delegation(uint56(gweis), expiry, user); // safe: bounded above
        uint256 openedAt = _sides[provider][user].openedAt;
        if (openedAt != 0) _delegationLives[provider][sessionKey] = openedAt;
        emit Delegated(user, provider, sessionKey, gweis * GWEI, expiry);
    }

    /// @dev Nothing that a session key may have signed is taken back from the provider by another delegation.
    function _checkExtends(Delegation memory before, address user, uint256 gweis, uint256 expiry)
        private
        view
    {
        if (expiry <= block.timestamp) revert ExpiryNotLater(expiry, block.timestamp);
        if (before.user == address(0)) return;
        if (before.user != user) revert SessionKeyTaken(before.user);
        if (before.expiry <= block.timestamp) revert SessionOver(before.expiry);
        if (expiry <= before.expiry) revert ExpiryNotLater(expiry, before.expiry);
        if (gweis < before.capGwei) revert CapLowered(gweis * GWEI, uint256(before.capGwei) * GWEI);
    }

    /// @inheritdoc IVoucherSettlement
    function endSession(address provider, address sessionKey) external {
        Delegation storage delegation = _delegations[provider][sessionKey];
        if (delegation.user != msg.sender) revert NotThePayer(msg.sender);
        if (delegation.expiry <= block.timestamp) return;
        delegation.expiry = uint40(block.timestamp); // safe for 34,000 years
        emit Delegated(msg.sender, provider, sessionKey, uint256(delegation.capGwei) * GWEI, block.timestamp);
    }

    /// @inheritdoc IVoucherSettlement
    function delegationOf(address provider, address sessionKey)
        external
        view
        returns (address user, uint256 cap, uint256 expiry)
    {
        Delegation memory delegation = _delegations[provider][sessionKey];
        user = delegation.user;
        expiry = delegation.expiry;
        if (_isOfThisLife(_accounts[provider][user], user, provider, sessionKey)) {
            cap = uint256(delegation.capGwei) * GWEI;
        }
    }

    /* SETTLEMENT */

    /// @inheritdoc IVoucherSettlement
    function settleVouchers(address provider, bytes calldata rows)
        external
        nonReentrant
        returns (uint256 paid)
    {
        if (rows.length % VOUCHER_ROW != 0) revert RowsMalformed(rows.length);
        uint256 payers;
        (paid, payers) = _settleVouchers(provider, rows);
        address payee = payeeOf(provider);
        emit VouchersSettled(provider, payee, payers, paid);
        if (paid != 0) _payOut(payee, paid);
    }

    /// @dev The loop is written for gas, in one piece: two cold words, one recovery and one log per payer.
    function _settleVouchers(address provider, bytes calldata rows)
        private
        returns (uint256 total, uint256 payers)
    {
        mapping(address => AccountWord) storage accounts = _accounts[provider];
        mapping(address => Delegation) storage delegations = _delegations[provider];
        uint256 scratch = _newScratch(provider, _domainSeparatorV4());
        uint256 oldest = _maturedCutoff() << 56; // what expired before this is over
        // Only the provider makes an account one of vouchers: a payer could void what an enclave's receipts earned.
        uint256 modes = msg.sender == provider ? FIRST_OR_VOUCHER : VOUCHER_ONLY;
        uint256 topic = PAYER_SETTLED;
        uint256 row;
        uint256 end;
        assembly ("memory-safe") {
            row := rows.offset
            end := add(row, rows.length)
        }
        // Cannot overflow: at most 2^32 rows of 96 bits each; 56 bits of gwei.
        unchecked {
            for (; row < end; row += VOUCHER_ROW) {
                uint256 key;
                uint256 delegation;
                uint256 slot;
                uint256 raw;
                uint256 due;
                // The delegation (cap in gwei 56, expiry 40, payer 160) of the key that signed and the payer's
                // account are read; `due` becomes what is claimed beyond `settled`, within the cap and time.
                assembly ("memory-safe") {
                    let signed := shr(160, calldataload(add(row, 12)))
                    mstore(add(scratch, 0x40), signed)
                    mstore(add(scratch, 0x82), keccak256(scratch, 0x60))
                    mstore(add(scratch, 0xc0), keccak256(add(scratch, 0x60), 0x42))
                    let vs := calldataload(add(row, 56))
                    mstore(add(scratch, 0xe0), add(27, shr(255, vs)))
                    mstore(add(scratch, 0x100), calldataload(add(row, 24)))
                    mstore(add(scratch, 0x120), shr(1, shl(1, vs)))
                    mstore(0, 0)
                    pop(staticcall(gas(), 1, add(scratch, 0xc0), 0x80, 0, 0x20))
                    key := mload(0)
                    mstore(32, delegations.slot)
                    delegation := sload(keccak256(0, 64))
                    mstore(0, shr(96, delegation))
                    mstore(32, accounts.slot)
                    slot := keccak256(0, 64)
                    raw := sload(slot)

                    let claimed := shr(160, calldataload(row))
                    let settled := and(shr(96, raw), MASK_96)
                    let bad := or(gt(claimed, signed), gt(claimed, mul(and(delegation, MASK_CAP), GWEI)))
                    bad := or(bad, lt(and(delegation, MASK_EXPIRY), oldest))
                    bad := or(bad, iszero(and(shr(and(shr(252, raw), 3), modes), 1)))
                    due := mul(sub(claimed, settled), gt(gt(claimed, settled), bad))
                }
                if (due != 0 && raw >> 254 != 0) {
                    (raw, due) = _prepareVoucher(
                        raw, address(uint160(delegation >> 96)), provider, address(uint160(key)), due
                    );
                }
                // What is there is taken; mode 2 from now on. The number stays: it belongs to the enclave's statements.
                assembly ("memory-safe") {
                    let held := and(raw, MASK_96)
                    if gt(due, held) { due := held }
                    if due {
                        raw := add(sub(raw, due), shl(96, due))
                        sstore(slot, or(and(raw, not(shl(252, 3))), shl(252, VOUCHER)))
                        mstore(0, or(shl(128, due), and(shr(96, raw), MASK_96)))
                        log2(0, 32, topic, shr(96, delegation))
                        total := add(total, due)
                        payers := add(payers, 1)
                    }
                }
            }
        }
    }

    /// @dev A row whose words alone do not decide: the sub-account was opened again, or refunds are pending, for which
    /// `due` makes room as far as what has not matured goes.
    function _prepareVoucher(uint256 raw, address user, address provider, address key, uint256 due)
        private
        returns (uint256, uint256 payable_)
    {
        AccountWord word = AccountWord.wrap(raw);
        if (!_isOfThisLife(word, user, provider, key)) return (raw, 0);
        (uint256 spendable, uint256 free) = _spendable(word, user, provider);
        payable_ = due < spendable ? due : spendable;
        if (payable_ > free) word = _cancelRefunds(word, user, provider, payable_ - free);
        return (AccountWord.unwrap(word), payable_);
    }

    /// @dev Whether the sub-account was not closed since the key was delegated.
    function _isOfThisLife(AccountWord word, address user, address provider, address key)
        private
        view
        returns (bool)
    {
        return !word.isAside() || _delegationLives[provider][key] == _sides[provider][user].openedAt;
    }

    /// @dev Room for the struct (type, provider, cumulative), the digest's preimage, and the input of the recovery,
    /// used by every row.
    function _newScratch(address provider, bytes32 domain) private pure returns (uint256 scratch) {
        bytes32 typeHash = VOUCHER_TYPEHASH;
        assembly ("memory-safe") {
            scratch := mload(0x40)
            mstore(0x40, add(scratch, 0x140))
            mstore(scratch, typeHash)
            mstore(add(scratch, 0x20), provider)
            mstore(add(scratch, 0x60), shl(240, 0x1901))
            mstore(add(scratch, 0x62), domain)
        }
    }
}
