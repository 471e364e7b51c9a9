// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

import {InferenceAccounts} from "./base/InferenceAccounts.sol";
import {ServingCore} from "./base/ServingCore.sol";
import {IInferenceServing} from "./interfaces/IInferenceServing.sol";
import {ILedgerManager} from "./interfaces/ILedgerManager.sol";
import {ServingParameters} from "./interfaces/ServingParameters.sol";
import {AccountWord} from "./libraries/AccountWord.sol";

/// @title Inference: services, sub-accounts, and the settlement of fees.
/// @dev Storage, one word each unless said otherwise, `p` provider, `u` user:
///
/// | word                         | read when                                | bits                                   |
/// |------------------------------|------------------------------------------|----------------------------------------|
/// | `_accounts[p][u]`            | always                                   | see `AccountWord`                      |
/// | `_sides[p][u]`               | deployed settlement; account says aside  | nonce 112, generation 48, version 16, withdrawn 40, reopened 40 |
/// | `_refunds[p][u]` (5)         | account says queued                      | see `RefundQueue`                      |
/// | `_revokedBitmaps[p][u]`      | by clients                               | one bit per session token              |
/// | `_infos[p][u]`               | by clients, written when not empty       | text                                   |
/// | `_providers[p]`              | every settlement                         | signer 160, version 16, last version 16, acknowledged 8, accounts 32, epoch 24 |
/// | `_versions[p][signer]`       | change of signer                         | version 16                             |
/// | `_users[p][i]`               | lists                                    | user 160                               |
///
/// The contract holds exactly the sum of the balances.
contract InferenceServing is InferenceAccounts {
    /// @dev Field order of the signed type differs from the calldata struct.
    bytes32 private constant SETTLEMENT_TYPEHASH = keccak256(
        "TEESettlement(bytes32 requestsHash,uint256 nonce,address provider,address user,uint256 totalFee)"
    );
    uint256 private constant MAX_SETTLEMENTS = 50;

    constructor(ServingParameters memory parameters) ServingCore(parameters, "0G Inference Serving") {
        emit ContractInitialized(parameters.owner, parameters.lockTime, parameters.ledger);
    }

    /// @notice There is no proxy: the constructor did it.
    function initialize(uint256 _locktime, address _ledgerAddress, address owner) external {
        revert AlreadyInitialized();
    }

    /* SETTLEMENT BY THE DEPLOYED ABI */

    /// @inheritdoc IInferenceServing
    function settleFeesWithTEE(TEESettlementData[] calldata settlements)
        external
        nonReentrant
        returns (SettlementStatus[] memory statuses)
    {
        uint256 count = settlements.length;
        if (count == 0) revert NoSettlementsProvided();
        if (count > MAX_SETTLEMENTS) revert TooManySettlements(count, MAX_SETTLEMENTS);

        statuses = new SettlementStatus[](count);
        uint256 total;
        for (uint256 i; i < count; ++i) {
            uint256 paid;
            (statuses[i], paid) = _settle(settlements[i]);
            total += paid;
        }

        if (total == 0) return statuses;
        (bool ok,) = msg.sender.call{value: total}("");
        if (!ok) revert TransferFailed();
    }

    /// @inheritdoc IInferenceServing
    function previewSettlementResults(TEESettlementData[] calldata settlements)
        external
        view
        returns (
            address[] memory failedUsers,
            SettlementStatus[] memory failureReasons,
            address[] memory partialUsers,
            uint256[] memory partialAmounts
        )
    {
        uint256 count = settlements.length;
        failedUsers = new address[](count);
        failureReasons = new SettlementStatus[](count);
        partialUsers = new address[](count);
        partialAmounts = new uint256[](count);
        uint256 failed;
        uint256 partials;

        for (uint256 i; i < count; ++i) {
            TEESettlementData calldata row = settlements[i];
            (SettlementStatus status, AccountWord word) = _check(row);
            if (status != SettlementStatus.SUCCESS) {
                failedUsers[failed] = row.user;
                failureReasons[failed++] = status;
                continue;
            }
            (uint256 spendable,) = _spendable(word, row.user, row.provider);
            if (spendable >= row.totalFee) continue;
            partialUsers[partials] = row.user;
            partialAmounts[partials++] = row.totalFee - spendable;
        }
        assembly ("memory-safe") {
            // The arrays only get shorter.
            mstore(failedUsers, failed)
            mstore(failureReasons, failed)
            mstore(partialUsers, partials)
            mstore(partialAmounts, partials)
        }
    }

    /// @dev Check, take, log. A refused row changes nothing. A row that is paid in part uses up its nonce: the
    /// enclave signs the remainder anew, as the deployed network's brokers expect.
    function _settle(TEESettlementData calldata row) private returns (SettlementStatus status, uint256 paid) {
        AccountWord word;
        (status, word) = _check(row);
        if (status != SettlementStatus.SUCCESS) {
            emit TEESettlementResult(row.user, status, row.totalFee);
            return (status, 0);
        }

        _sides[row.provider][row.user].nonce = uint112(row.nonce); // safe: checked
        (word, paid) = _spend(word, row.user, row.provider, row.totalFee);
        if (paid != 0) ILedgerManager(ledgerAddress).spendFund(row.user, paid);
        _store(row.user, row.provider, word);
        if (paid < row.totalFee) status = SettlementStatus.PARTIAL;
        emit TEESettlementResult(row.user, status, row.totalFee - paid);
    }

    /// @dev In the order of the deployed contract, with its statuses (specification, section 2.1).
    function _check(TEESettlementData calldata row)
        private
        view
        returns (SettlementStatus status, AccountWord word)
    {
        if (row.provider != msg.sender) return (SettlementStatus.PROVIDER_MISMATCH, word);
        word = _accounts[row.provider][row.user];
        if (!word.isOpen()) return (SettlementStatus.INVALID_SIGNATURE, word);

        Provider storage provider = _providers[row.provider];
        if (provider.version == 0 && !_hasService(row.provider)) {
            return (SettlementStatus.PROVIDER_MISMATCH, word);
        }
        if (!provider.acknowledged || !_isAcknowledged(word, row.user, row.provider)) {
            return (SettlementStatus.NO_TEE_SIGNER, word);
        }
        if (!_isNextNonce(word, row)) return (SettlementStatus.INVALID_NONCE, word);
        if (!_isSignedBy(provider.signer, row)) return (SettlementStatus.INVALID_SIGNATURE, word);
        return (SettlementStatus.SUCCESS, word);
    }

    /// @dev An account that was settled by batch or voucher takes no fees by difference any more.
    function _isNextNonce(AccountWord word, TEESettlementData calldata row) private view returns (bool) {
        return word.mode() == 0 && row.nonce > _sides[row.provider][row.user].nonce
            && row.nonce <= type(uint112).max;
    }

    function _isSignedBy(address signer, TEESettlementData calldata row) private view returns (bool) {
        bytes32 structHash = keccak256(
            abi.encode(SETTLEMENT_TYPEHASH, row.requestsHash, row.nonce, row.provider, row.user, row.totalFee)
        );
        (address recovered, ECDSA.RecoverError err,) =
            ECDSA.tryRecoverCalldata(_hashTypedDataV4(structHash), row.signature);
        return err == ECDSA.RecoverError.NoError && recovered == signer;
    }

    /* ERRORS IN THIS CONTRACT'S SHAPE */

    function _refuseCaller() internal view override {
        revert CallerNotLedger(msg.sender);
    }

    function _refuseLockTime(uint256 value, uint256 minimum) internal pure override {
        revert LockTimeOutOfRange(value, minimum, MAX_LOCKTIME);
    }

    function _refuseRefund() internal pure override {
        revert TransferFailed();
    }
}
