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
/// @dev The contract holds exactly the sum of the balances. What lies in which word: docs/CONTRACTS.md.
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
    function _clearAccount(address user, address provider) internal override {
        if (_revokedBitmaps[provider][user] != 0) _revokeAll(user, provider);
    }
}
