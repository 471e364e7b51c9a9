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
    bytes32 private constant VOUCHER_TYPEHASH =
        keccak256("Voucher(address provider,address user,uint96 cumulative)");
    uint256 private constant VOUCHER_ROW = 108;
    uint256 private constant GWEI = 1e9;
    // Assembly takes literals only.
    uint256 private constant MASK_96 = 0xffffffffffffffffffffffff;
    uint256 private constant BATCH = 1;
    uint256 private constant VOUCHER = 2;

    /* DELEGATION */

    /// @inheritdoc IVoucherSettlement
    function delegateSession(
        address provider,
        address user,
        address sessionKey,
        uint96 cap,
        uint40 expiry,
        bytes calldata signature
    ) external {
        if (sessionKey == address(0)) revert SessionKeyIsZero();
        Delegation storage delegation = _delegations[provider][user];
        uint256 floor = _delegationFloors[provider][user];
        if (delegation.expiry > floor) floor = delegation.expiry;
        if (expiry <= floor || expiry <= block.timestamp) revert ExpiryNotLater(expiry, floor);
        if (msg.sender != user) {
            bytes32 structHash =
                keccak256(abi.encode(DELEGATION_TYPEHASH, provider, user, sessionKey, cap, expiry));
            address signer = ECDSA.recoverCalldata(_hashTypedDataV4(structHash), signature);
            if (signer != user) revert NotThePayer(signer);
        }

        // slither-disable-next-line divide-before-multiply: a cap is kept in whole gwei
        uint256 gweis = cap / GWEI;
        if (gweis > type(uint56).max) gweis = type(uint56).max;
        _delegations[provider][user] = Delegation(sessionKey, expiry, uint56(gweis)); // safe: bounded above
        emit Delegated(user, provider, sessionKey, gweis * GWEI, expiry);
    }

    /// @inheritdoc IVoucherSettlement
    function endSession(address provider) external {
        Delegation storage delegation = _delegations[provider][msg.sender];
        if (delegation.expiry <= block.timestamp) return;
        _delegationFloors[provider][msg.sender] = delegation.expiry;
        delegation.expiry = uint40(block.timestamp); // safe for 34,000 years
        emit Delegated(
            msg.sender, provider, delegation.sessionKey, uint256(delegation.capGwei) * GWEI, block.timestamp
        );
    }

    /// @inheritdoc IVoucherSettlement
    function delegationOf(address user, address provider)
        external
        view
        returns (address sessionKey, uint256 cap, uint256 expiry)
    {
        Delegation memory delegation = _delegations[provider][user];
        return (delegation.sessionKey, uint256(delegation.capGwei) * GWEI, delegation.expiry);
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
        uint256 oldest = _maturedCutoff(); // what expired before this is over
        // Only the provider makes an account one of vouchers: a payer could void what an enclave's receipts earned.
        uint256 least = msg.sender == provider ? 0 : VOUCHER;
        uint256 topic = PAYER_SETTLED;
        // Cannot overflow: at most 2^32 rows of 96 bits each; 56 bits of gwei.
        unchecked {
            for (uint256 i; i < rows.length; i += VOUCHER_ROW) {
                uint256 slot;
                uint256 raw;
                uint256 due;
                // The account and its delegation (key 160, expiry 40, cap in gwei 56) are read; `due` becomes what
                // is claimed beyond `settled` when the key signed for the claim within its cap and time.
                assembly ("memory-safe") {
                    let row := add(rows.offset, i)
                    let user := shr(96, calldataload(row))
                    let claimed := and(calldataload(row), MASK_96)
                    mstore(0, user)
                    mstore(32, accounts.slot)
                    slot := keccak256(0, 64)
                    raw := sload(slot)
                    mstore(32, delegations.slot)
                    let delegation := sload(keccak256(0, 64))
                    let signed := shr(160, calldataload(add(row, 32)))

                    mstore(add(scratch, 0x40), user)
                    mstore(add(scratch, 0x60), signed)
                    mstore(add(scratch, 0xa2), keccak256(scratch, 0x80))
                    mstore(add(scratch, 0xe0), keccak256(add(scratch, 0x80), 0x42))
                    let vs := calldataload(add(row, 76))
                    mstore(add(scratch, 0x100), add(27, shr(255, vs)))
                    mstore(add(scratch, 0x120), calldataload(add(row, 44)))
                    mstore(add(scratch, 0x140), shr(1, shl(1, vs)))
                    mstore(0, 0)
                    pop(staticcall(gas(), 1, add(scratch, 0xe0), 0x80, 0, 0x20))
                    let signer := mload(0)

                    let settled := and(shr(96, raw), MASK_96)
                    let bad := or(iszero(signer), xor(signer, shr(96, shl(96, delegation))))
                    bad := or(bad, or(gt(claimed, signed), gt(claimed, mul(shr(200, delegation), GWEI))))
                    bad := or(bad, lt(and(shr(160, delegation), 0xffffffffff), oldest))
                    bad := or(bad, or(iszero(gt(claimed, settled)), eq(and(shr(252, raw), 3), BATCH)))
                    bad := or(bad, lt(and(shr(252, raw), 3), least))
                    due := mul(sub(claimed, settled), iszero(bad))
                }
                if (due == 0) continue;

                AccountWord word = AccountWord.wrap(raw);
                if (word.isQueued()) {
                    (word, due) = _cancelFor(word, address(uint160(_load(rows, i) >> 96)), provider, due);
                    raw = AccountWord.unwrap(word);
                }
                // What is there is taken; mode 2 from now on. The number stays: it belongs to the enclave's statements.
                assembly ("memory-safe") {
                    let held := and(raw, MASK_96)
                    if gt(due, held) { due := held }
                    if due {
                        raw := add(sub(raw, due), shl(96, due))
                        sstore(slot, or(and(raw, not(shl(252, 3))), shl(252, VOUCHER)))
                        mstore(0, or(shl(128, due), and(shr(96, raw), MASK_96)))
                        log2(0, 32, topic, shr(96, calldataload(add(rows.offset, i))))
                        total := add(total, due)
                        payers := add(payers, 1)
                    }
                }
            }
        }
    }

    /// @dev As far as what has not matured goes; makes room in the refunds for it.
    function _cancelFor(AccountWord word, address user, address provider, uint256 due)
        private
        returns (AccountWord, uint256 paid)
    {
        (uint256 spendable, uint256 free) = _spendable(word, user, provider);
        paid = due < spendable ? due : spendable;
        if (paid > free) word = _cancelRefunds(word, user, provider, paid - free);
        return (word, paid);
    }

    /// @dev Room for the struct (type, provider, user, cumulative) the digest's preimage, and the
    /// input of the recovery, used by every row.
    function _newScratch(address provider, bytes32 domain) private pure returns (uint256 scratch) {
        bytes32 typeHash = VOUCHER_TYPEHASH;
        assembly ("memory-safe") {
            scratch := mload(0x40)
            mstore(0x40, add(scratch, 0x160))
            mstore(scratch, typeHash)
            mstore(add(scratch, 0x20), provider)
            mstore(add(scratch, 0x80), shl(240, 0x1901))
            mstore(add(scratch, 0x82), domain)
        }
    }
}
