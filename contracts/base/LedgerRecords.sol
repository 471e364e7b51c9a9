// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {ILedgerAdditions} from "../interfaces/ILedgerAdditions.sol";
import {ILedgerManager} from "../interfaces/ILedgerManager.sol";

/// @title What each user has available, and the list of users.
/// @dev Storage:
///
/// | word                 | bits                                                        |
/// |----------------------|-------------------------------------------------------------|
/// | `_records[user]`     | open 1, available 95, next user in the list 160             |
/// | `_list`              | newest user 160, length 96 (closed ledgers stay in the list) |
/// | `_additionalInfo`    | only written when not empty                                  |
abstract contract LedgerRecords is ILedgerManager, ILedgerAdditions {
    using SafeCast for uint256;

    struct Record {
        uint96 balance;
        address next;
    }

    struct List {
        address newest;
        uint96 length;
    }

    uint256 public constant MAX_ADDITIONAL_INFO_LENGTH = 4096;
    uint256 private constant DEFAULT_PAGE = 50;

    mapping(address user => Record) private _records;
    List private _list;
    mapping(address user => string) private _additionalInfo;

    /// @dev The open ledgers of a page, newest first; closed ones are counted in `total`.
    function _page(uint256 offset, uint256 limit)
        internal
        view
        returns (address[] memory users, uint256 total)
    {
        total = _list.length;
        if (offset >= total) return (users, total);
        uint256 length = total - offset;
        if (limit == 0) limit = DEFAULT_PAGE;
        if (length > limit) length = limit;

        address user = _list.newest;
        for (uint256 i; i < offset; ++i) {
            user = _records[user].next;
        }

        users = new address[](length);
        uint256 found;
        for (uint256 i; i < length; ++i) {
            if (_isOpen(_records[user])) users[found++] = user;
            user = _records[user].next;
        }
        assembly ("memory-safe") {
            mstore(users, found) // found <= length: the array only gets shorter
        }
    }

    function _infoOf(address user) internal view returns (string memory) {
        return _additionalInfo[user];
    }

    function _recordOf(address user) internal view returns (Record storage) {
        return _records[user];
    }

    function _requireOpen(address user) internal view returns (Record storage record) {
        record = _records[user];
        if (!_isOpen(record)) revert LedgerNotExists(user);
    }

    function _isOpen(Record storage record) internal view returns (bool) {
        return record.balance & 1 != 0;
    }

    function _availableIn(Record storage record) internal view returns (uint256) {
        return record.balance >> 1;
    }

    /// @dev The lowest bit says that the ledger is open. 2^95 neuron is 39 times the supply of 0G.
    function _setAvailable(Record storage record, uint256 amount) internal {
        record.balance = ((amount << 1) | 1).toUint96();
    }

    function _checkInfo(string memory info) internal pure {
        uint256 length = bytes(info).length;
        if (length > MAX_ADDITIONAL_INFO_LENGTH) {
            revert AdditionalInfoTooLong(length, MAX_ADDITIONAL_INFO_LENGTH);
        }
    }

    function _setInfo(address user, string memory info) internal {
        if (bytes(info).length + bytes(_additionalInfo[user]).length != 0) _additionalInfo[user] = info;
    }

    /// @dev Adds `msg.value` to `user`'s ledger, opening it when it is not.
    function _credit(address user) internal {
        Record storage record = _records[user];
        if (!_isOpen(record)) _open(user, record);
        _setAvailable(record, _availableIn(record) + msg.value);
        emit Deposited(user, msg.sender, msg.value);
    }

    /// @dev A ledger that was open before is in the list already. The oldest record points to itself, so that
    /// `next` is never zero for a listed one.
    function _open(address user, Record storage record) private {
        _setAvailable(record, 0);
        if (record.next == address(0)) {
            List memory list = _list;
            record.next = list.length == 0 ? user : list.newest;
            _list = List(user, list.length + 1);
        }
    }

    function _debit(Record storage record, uint256 amount) internal {
        uint256 available = _availableIn(record);
        if (available < amount) revert InsufficientAvailableBalance(available, amount);
        _setAvailable(record, available - amount);
    }

    function _clearRecord(address user) internal {
        _records[user].balance = 0;
        if (bytes(_additionalInfo[user]).length != 0) delete _additionalInfo[user];
    }
}
