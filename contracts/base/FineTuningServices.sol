// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {EnumerableSet} from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";

import {Page} from "../libraries/Page.sol";
import {FineTuningState} from "./FineTuningState.sol";
import {ServingDesk} from "./ServingDesk.sol";

/// @title The fine-tuning services that providers offer. Their texts are bounded, so that reading the list
/// stays possible whatever anyone registers.
abstract contract FineTuningServices is ServingDesk, FineTuningState {
    using EnumerableSet for EnumerableSet.AddressSet;

    uint256 private constant MAX_URL_LENGTH = 2048;
    uint256 private constant MAX_NAME_LENGTH = 256;
    uint256 private constant MAX_MODELS = 100;

    /// @dev See IFineTuningServing.
    function addOrUpdateService(
        string memory url,
        Quota memory quota,
        uint256 pricePerToken,
        bool occupied,
        string[] memory models,
        address teeSignerAddress
    ) external payable nonReentrant {
        _checkTexts(url, quota, models);
        bool isNew = _registerStake();

        _setSigner(msg.sender, teeSignerAddress, type(uint48).max);
        if (isNew) _providers[msg.sender].acknowledged = false;
        Offer storage offer = _offers[msg.sender];
        offer.url = url;
        offer.quota = quota;
        offer.pricePerToken = pricePerToken;
        offer.occupied = occupied;
        offer.models = models;
        emit ServiceUpdated(msg.sender, url, quota, pricePerToken, teeSignerAddress, occupied);
        _acknowledgeWithoutOwner(msg.sender);
    }

    /// @dev See IFineTuningServing.
    function getService(address provider) public view returns (Service memory service) {
        Provider storage record = _requireService(provider);
        Offer storage offer = _offers[provider];
        service = Service(
            provider,
            offer.url,
            offer.quota,
            offer.pricePerToken,
            offer.occupied,
            offer.models,
            record.signer,
            record.acknowledged
        );
    }

    /// @dev See IFineTuningServing.
    function getAllServices() external view returns (Service[] memory services) {
        return _servicesBetween(0, _services.length());
    }

    /// @notice A page of services; `limit` 0 means 50, which is the most.
    function getServices(uint256 offset, uint256 limit)
        external
        view
        returns (Service[] memory services, uint256 total)
    {
        _checkLimit(limit);
        total = _services.length();
        services = _servicesBetween(offset, Page.end(offset, limit, total));
    }

    function _servicesBetween(uint256 offset, uint256 end) private view returns (Service[] memory services) {
        services = new Service[](end - offset);
        for (uint256 i; i < services.length; ++i) {
            services[i] = getService(_services.at(offset + i));
        }
    }

    function _checkLimit(uint256 limit) internal pure {
        if (limit > Page.SIZE) revert LimitTooLarge(limit);
    }

    function _clearService(address provider) internal override {
        delete _offers[provider];
    }

    function _logServiceRemoved(address provider) internal override {
        emit ServiceRemoved(provider);
    }

    function _checkTexts(string memory url, Quota memory quota, string[] memory models) private pure {
        _checkLength(bytes(url).length, MAX_URL_LENGTH);
        _checkLength(bytes(quota.gpuType).length, MAX_NAME_LENGTH);
        _checkLength(models.length, MAX_MODELS);
        for (uint256 i; i < models.length; ++i) {
            _checkLength(bytes(models[i]).length, MAX_NAME_LENGTH);
        }
    }
}
