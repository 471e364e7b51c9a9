// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {InferenceDesk} from "./InferenceDesk.sol";
import {VoucherSettlement} from "./base/VoucherSettlement.sol";
import {ServingAccounts} from "./base/ServingAccounts.sol";
import {ServingCore} from "./base/ServingCore.sol";
import {SettlementCheck} from "./base/SettlementCheck.sol";
import {IBatchSettlement} from "./interfaces/IBatchSettlement.sol";
import {ILedgerManager} from "./interfaces/ILedgerManager.sol";
import {IVoucherSettlement} from "./interfaces/IVoucherSettlement.sol";
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
contract InferenceServing is VoucherSettlement, SettlementCheck {
    uint256 private constant MAX_SETTLEMENTS = 50;

    constructor(ServingParameters memory parameters)
        ServingCore(parameters, "0G Inference Serving")
        ServingAccounts(address(new InferenceDesk(parameters)))
    {
        emit ContractInitialized(parameters.owner, parameters.lockTime, parameters.ledger);
    }

    /// @notice There is no proxy: the constructor did it.
    function initialize(uint256 _locktime, address _ledgerAddress, address owner) external {
        revert AlreadyInitialized();
    }

    /// @inheritdoc ServingAccounts
    function supportsInterface(bytes4 interfaceId) public view override returns (bool) {
        return interfaceId == type(IBatchSettlement).interfaceId
            || interfaceId == type(IVoucherSettlement).interfaceId || super.supportsInterface(interfaceId);
    }

    /* SETTLEMENT BY THE DEPLOYED ABI */

    /// @dev See IInferenceServing.
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
        // slither-disable-next-line reentrancy-no-eth: the fixed ledger only logs; guarded
        if (paid != 0) ILedgerManager(ledgerAddress).spendFund(row.user, paid);
        _store(row.user, row.provider, word);
        if (paid < row.totalFee) status = SettlementStatus.PARTIAL;
        emit TEESettlementResult(row.user, status, row.totalFee - paid);
    }

    /// @dev Tokens revoked one by one stay revoked when the sub-account is opened again: their generation ends.
    /// So does the session key's delegation.
    function _clearAccount(address user, address provider) internal override {
        if (_revokedBitmaps[provider][user] != 0) _revokeAll(user, provider);
        uint256 expiry = _delegations[provider][user].expiry;
        if (expiry == 0) return;
        delete _delegations[provider][user];
        if (expiry > _delegationFloors[provider][user]) _delegationFloors[provider][user] = expiry;
    }
}
