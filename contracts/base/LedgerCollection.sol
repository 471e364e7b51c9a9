// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IServing} from "../interfaces/IServing.sol";
import {CappedCall} from "../libraries/CappedCall.sol";
import {LedgerRecords} from "./LedgerRecords.sol";

/// @title What comes back from services: counted as it arrives, whatever the service says that it sent.
abstract contract LedgerCollection is LedgerRecords {
    bool private transient _busy;
    address private transient _collectingFrom;
    uint256 private transient _collected;

    /// @dev One operation at a time: a service or a payee that calls back finds the ledger locked.
    modifier exclusive() {
        if (_busy) revert LedgerLocked();
        _busy = true;
        _;
        _busy = false;
    }

    /// @dev Accepts what the service that is being collected from sends, and nothing else.
    receive() external payable {
        if (msg.sender != _collectingFrom) revert DirectDepositsDisabled();
        _collected += msg.value;
    }

    function _tryCollect(Record storage record, address service, address provider) internal {
        _collectingFrom = service;
        // slither-disable-next-line unused-return: a service that fails is passed over
        CappedCall.send(service, abi.encodeCall(IServing.processRefund, (msg.sender, provider)));
        _collectingFrom = address(0);
        _creditCollected(record, service, provider);
        // slither-disable-next-line unused-return: a service that fails is passed over
        CappedCall.send(service, abi.encodeCall(IServing.requestRefundAll, (msg.sender, provider)));
    }

    /// @dev Credits what the service sends, whatever it says that it sent.
    function _collect(Record storage record, address service, address provider) internal {
        _collectingFrom = service;
        // slither-disable-next-line reentrancy-no-eth,unused-return: one at a time; what was sent counts
        IServing(service).processRefund(msg.sender, provider);
        _collectingFrom = address(0);

        _creditCollected(record, service, provider);
    }

    function _creditCollected(Record storage record, address service, address provider) private {
        uint256 amount = _collected;
        if (amount == 0) return;
        _collected = 0;
        _setAvailable(record, _availableIn(record) + amount);
        emit Retrieved(msg.sender, service, provider, amount);
    }
}
