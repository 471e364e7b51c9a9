// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ILedgerAdditions} from "../interfaces/ILedgerAdditions.sol";
import {Page} from "../libraries/Page.sol";
import {ServingState} from "./ServingState.sol";

/// @title Pages of sub-accounts, by each of the deployed orders.
/// @dev Closed sub-accounts are counted in `total` and left out: a page may hold fewer than `limit`.
abstract contract AccountLists is ServingState {
    /// @dev Names a sub-account.
    struct Pair {
        address user;
        address provider;
    }

    function _pairs(uint256 offset, uint256 limit) internal view returns (Pair[] memory page, uint256 total) {
        uint256 providers = _accountProviders.length;
        for (uint256 i; i < providers; ++i) {
            total += _providers[_accountProviders[i]].accounts;
        }

        uint256 end = Page.end(offset, limit, total);
        page = new Pair[](end - offset);
        uint256 found;
        uint256 before; // sub-accounts of the providers already passed
        for (uint256 i; i < providers && before < end; ++i) {
            address provider = _accountProviders[i];
            uint256 count = _providers[provider].accounts;
            for (uint256 j = offset > before ? offset - before : 0; j < count && before + j < end; ++j) {
                found = _append(page, found, _users[provider][j], provider);
            }
            before += count;
        }
        _shorten(page, found);
    }

    function _pairsOfProvider(address provider, uint256 offset, uint256 limit)
        internal
        view
        returns (Pair[] memory page, uint256 total)
    {
        total = _providers[provider].accounts;
        uint256 end = Page.end(offset, limit, total);
        page = new Pair[](end - offset);
        uint256 found;
        for (uint256 i = offset; i < end; ++i) {
            found = _append(page, found, _users[provider][i], provider);
        }
        _shorten(page, found);
    }

    function _pairsOfUser(address user, uint256 offset, uint256 limit)
        internal
        view
        returns (Pair[] memory page, uint256 total)
    {
        address[] memory providers = ILedgerAdditions(ledgerAddress).providersOf(user, address(this));
        total = providers.length;
        uint256 end = Page.end(offset, limit, total);
        page = new Pair[](end - offset);
        uint256 found;
        for (uint256 i = offset; i < end; ++i) {
            found = _append(page, found, user, providers[i]);
        }
        _shorten(page, found);
    }

    function _append(Pair[] memory page, uint256 found, address user, address provider)
        private
        view
        returns (uint256)
    {
        if (!_accounts[provider][user].isOpen()) return found;
        page[found] = Pair(user, provider);
        return found + 1;
    }

    function _shorten(Pair[] memory page, uint256 length) private pure {
        assembly ("memory-safe") {
            mstore(page, length) // never more than it was
        }
    }
}
