// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ILedgerManager} from "../interfaces/ILedgerManager.sol";
import {IServing} from "../interfaces/IServing.sol";
import {IServingFunds} from "../interfaces/IServingFunds.sol";
import {CappedCall} from "../libraries/CappedCall.sol";

/// @title Which providers a user has a sub-account with, per service.
/// @dev Storage: `_lists[service][user]` is one word, the first provider (160) and the count (96); the others
/// lie in `_more[service][user][index]`, index 1 and up. A call into a service happens only for users who
/// sent it money, with capped gas, and its failure stops nothing.
abstract contract UserProviders {
    struct ProviderList {
        address first;
        uint96 count;
    }

    uint256 public constant MAX_PROVIDERS_PER_USER_PER_SERVICE = 50;

    mapping(address service => mapping(address user => ProviderList)) private _lists;
    mapping(address service => mapping(address user => mapping(uint256 index => address))) private _more;

    function _providersOf(address service, address user) internal view returns (address[] memory providers) {
        ProviderList memory list = _lists[service][user];
        providers = new address[](list.count);
        if (list.count == 0) return providers;
        providers[0] = list.first;
        for (uint256 i = 1; i < list.count; ++i) {
            providers[i] = _more[service][user][i];
        }
    }

    /// @dev The place of an empty sub-account is given to the new one when all are taken.
    function _listProvider(address service, address user, address provider) internal {
        ProviderList memory list = _lists[service][user];
        if (list.count < MAX_PROVIDERS_PER_USER_PER_SERVICE) {
            _lists[service][user].count = list.count + 1;
            _setProvider(service, user, list.count, provider);
        } else {
            _setProvider(service, user, _freePlace(service, user), provider);
        }
    }

    /// @dev What `user` has in sub-accounts of all services; a service that does not answer counts as zero.
    function _lockedOf(address[] storage services, address user) internal view returns (uint256 locked) {
        uint256 length = services.length;
        for (uint256 i; i < length; ++i) {
            address service = services[i];
            if (_lists[service][user].count == 0) continue;
            locked += _lockedAt(service, user, _providersOf(service, user));
        }
    }

    /// @dev What `user` has with one service: nothing is called when that is nothing.
    function _usesService(address service, address user) internal view returns (bool) {
        return _lists[service][user].count != 0;
    }

    /// @dev Closes every sub-account of `user`; one that will not close stays listed.
    function _deleteSubAccounts(address[] storage services, address user) internal {
        uint256 length = services.length;
        for (uint256 i; i < length; ++i) {
            address service = services[i];
            if (_lists[service][user].count != 0) _deleteSubAccountsAt(service, user);
        }
    }

    function _deleteSubAccountsAt(address service, address user) private {
        address[] memory providers = _providersOf(service, user);
        uint96 kept;
        for (uint256 i; i < providers.length; ++i) {
            if (_tryDelete(service, user, providers[i])) continue;
            _setProvider(service, user, kept++, providers[i]);
        }
        for (uint256 i = kept; i < providers.length; ++i) {
            _setProvider(service, user, i, address(0));
        }
        _lists[service][user].count = kept;
    }

    function _freePlace(address service, address user) private returns (uint256) {
        address[] memory providers = _providersOf(service, user);
        address[] memory one = new address[](1);
        for (uint256 i; i < providers.length; ++i) {
            one[0] = providers[i];
            if (_lockedAt(service, user, one) == 0 && _tryDelete(service, user, providers[i])) return i;
        }
        revert ILedgerManager.TooManyProvidersForService(providers.length, MAX_PROVIDERS_PER_USER_PER_SERVICE);
    }

    function _setProvider(address service, address user, uint256 index, address provider) private {
        if (index == 0) _lists[service][user].first = provider;
        else _more[service][user][index] = provider;
    }

    function _lockedAt(address service, address user, address[] memory providers)
        private
        view
        returns (uint256 sum)
    {
        // slither-disable-next-line unused-return: one that fails holds nothing that counts
        (, sum) = CappedCall.read(service, abi.encodeCall(IServingFunds.balancesOf, (user, providers)));
        // No honest sum comes near this; a hostile one must not overflow the total.
        if (sum > type(uint128).max) sum = 0;
    }

    function _tryDelete(address service, address user, address provider) private returns (bool) {
        return CappedCall.send(service, abi.encodeCall(IServing.deleteAccount, (user, provider)));
    }
}
