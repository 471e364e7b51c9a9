// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {EnumerableSet} from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";

import {Page} from "../libraries/Page.sol";
import {InferenceState} from "./InferenceState.sol";
import {ServingDesk} from "./ServingDesk.sol";

/// @title The inference services that providers offer.
abstract contract InferenceServices is ServingDesk, InferenceState {
    using EnumerableSet for EnumerableSet.AddressSet;

    /// @dev See IInferenceServing.
    function addOrUpdateService(ServiceParams memory params) external payable nonReentrant {
        _checkInfo(params.additionalInfo);
        bool isNew = _registerStake();
        Offer storage offer = _offers[msg.sender];

        _setSigner(msg.sender, params.teeSignerAddress, type(uint48).max);
        if (isNew || _changesWhatWasAcknowledged(offer, params)) _providers[msg.sender].acknowledged = false;
        _writeOffer(offer, params);
        emit ServiceUpdated(
            msg.sender,
            params.serviceType,
            params.url,
            params.inputPrice,
            params.outputPrice,
            block.timestamp,
            params.model,
            params.verifiability
        );
        _acknowledgeWithoutOwner(msg.sender);
    }

    /// @dev See IInferenceServing.
    function getService(address provider) public view returns (Service memory service) {
        Provider storage record = _requireService(provider);
        Offer storage offer = _offers[provider];
        service = Service(
            provider,
            offer.serviceType,
            offer.url,
            offer.inputPrice,
            offer.outputPrice,
            offer.updatedAt,
            offer.model,
            offer.verifiability,
            offer.additionalInfo,
            record.signer,
            record.acknowledged
        );
    }

    /// @dev See IInferenceServing.
    function getAllServices(uint256 offset, uint256 limit)
        external
        view
        returns (Service[] memory services, uint256 total)
    {
        _checkLimit(limit);
        total = _services.length();
        uint256 end = Page.end(offset, limit, total);
        services = new Service[](end - offset);
        for (uint256 i; i < services.length; ++i) {
            services[i] = getService(_services.at(offset + i));
        }
    }

    /// @dev See IInferenceServing.
    function serviceExists(address provider) external view returns (bool) {
        return _services.contains(provider);
    }

    function _checkLimit(uint256 limit) internal pure {
        if (limit > Page.SIZE) revert LimitTooLarge(limit, Page.SIZE);
    }

    function _clearService(address provider) internal override {
        delete _offers[provider];
    }

    function _logServiceRemoved(address provider) internal override {
        emit ServiceRemoved(provider);
    }

    /// @dev Price and address may change freely; `_setSigner` minds the signer.
    function _changesWhatWasAcknowledged(Offer storage offer, ServiceParams memory params)
        private
        view
        returns (bool)
    {
        return !_same(offer.serviceType, params.serviceType) || !_same(offer.model, params.model)
            || !_same(offer.verifiability, params.verifiability)
            || !_same(offer.additionalInfo, params.additionalInfo);
    }

    function _writeOffer(Offer storage offer, ServiceParams memory params) private {
        offer.serviceType = params.serviceType;
        offer.url = params.url;
        offer.inputPrice = params.inputPrice;
        offer.outputPrice = params.outputPrice;
        offer.updatedAt = block.timestamp;
        offer.model = params.model;
        offer.verifiability = params.verifiability;
        offer.additionalInfo = params.additionalInfo;
    }

    function _same(string storage a, string memory b) private view returns (bool) {
        return keccak256(bytes(a)) == keccak256(bytes(b));
    }
}
