// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

import {ILedgerManager} from "../../../contracts/interfaces/ILedgerManager.sol";
import {Fixture} from "../utils/Fixture.sol";
import {Inference, Ledger} from "../utils/Network.sol";

contract RegistryTest is Fixture {
    Ledger private owned;

    function setUp() public override {
        super.setUp();
        owned = _newLedger(address(this));
    }

    function test_registerService_RevertWhen_NotOwner() external {
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, alice));
        vm.prank(alice);
        owned.registerService("a", "b", address(inference), "");
    }

    function test_registerService_RevertWhen_ArgumentsAreEmpty() external {
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.InvalidServiceAddress.selector, address(0)));
        owned.registerService("a", "b", address(0), "");
        vm.expectRevert(ILedgerManager.ServiceTypeRequired.selector);
        owned.registerService("", "b", address(inference), "");
        vm.expectRevert(ILedgerManager.VersionRequired.selector);
        owned.registerService("a", "", address(inference), "");
    }

    function test_registerService_RevertGiven_AddressOrNameIsTaken() external {
        owned.registerService("a", "b", address(inference), "");
        vm.expectRevert(
            abi.encodeWithSelector(ILedgerManager.ServiceAlreadyRegistered.selector, address(inference))
        );
        owned.registerService("a", "c", address(inference), "");
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.ServiceNameExists.selector, "a-b"));
        owned.registerService("a", "b", address(fineTuning), "");
    }

    function test_registerService_RevertWhen_NoService() external {
        vm.expectRevert(
            abi.encodeWithSelector(ILedgerManager.ServiceMustImplementIServing.selector, address(stakes))
        );
        owned.registerService("a", "b", address(stakes), "");
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.ServiceMustImplementIServing.selector, alice));
        owned.registerService("a", "b", alice, "");
    }

    function test_registerService() external {
        vm.expectEmit(address(owned));
        emit ILedgerManager.ServiceRegistered(address(inference), "inference-v1.0");
        owned.registerService("inference", "v1.0", address(inference), "text");
        ILedgerManager.ServiceInfo memory info = owned.getServiceInfo(address(inference));
        assertEq(info.serviceAddress, address(inference));
        assertEq(info.serviceContract, address(inference));
        assertEq(info.serviceType, "inference");
        assertEq(info.version, "v1.0");
        assertEq(info.fullName, "inference-v1.0");
        assertEq(info.description, "text");
        assertFalse(info.isRecommended);
        assertEq(info.registeredAt, block.timestamp);
        assertEq(owned.getServiceAddressByName("inference-v1.0"), address(inference));
        assertEq(owned.getServiceAddressByName("inference-v2.0"), address(0));
        assertEq(owned.getServiceInfo(alice).fullName, "");
        assertEq(owned.getAllActiveServices().length, 1);
    }

    function test_setRecommendedService_RevertWhen_Unknown() external {
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.ServiceNotFound.selector, address(0)));
        owned.setRecommendedService("inference", "v1.0");
    }

    function test_setRecommendedService_MovesTheMark() external {
        Inference second = _newInference(_parameters(address(0)));
        owned.registerService("inference", "v1.0", address(inference), "");
        owned.registerService("inference", "v2.0", address(second), "");
        owned.registerService("fine-tuning", "v1.0", address(fineTuning), "");
        vm.expectRevert(abi.encodeWithSelector(ILedgerManager.NoRecommendedService.selector, "inference"));
        owned.getRecommendedService("inference");

        owned.setRecommendedService("inference", "v1.0");
        assertTrue(owned.isRecommendedVersion("inference", "v1.0"));
        vm.expectEmit(address(owned));
        emit ILedgerManager.RecommendedServiceUpdated("inference", "v2.0", address(second));
        owned.setRecommendedService("inference", "v2.0");
        assertFalse(owned.isRecommendedVersion("inference", "v1.0"));
        assertFalse(owned.isRecommendedVersion("inference", "v3.0"));
        (string memory version, address service) = owned.getRecommendedService("inference");
        assertEq(version, "v2.0");
        assertEq(service, address(second));
        (string[] memory versions, address[] memory addresses, bool[] memory flags) =
            owned.getAllVersions("inference");
        assertEq(versions.length, 2);
        assertEq(versions[1], "v2.0");
        assertEq(addresses[0], address(inference));
        assertFalse(flags[0]);
        assertTrue(flags[1]);
    }

    /// W-17: ownership moves in two steps, and a network without an owner stays without one.
    function test_W17_OwnershipMovesInTwoSteps() external {
        owned.transferOwnership(alice);
        assertEq(owned.owner(), address(this));
        vm.prank(alice);
        owned.acceptOwnership();
        assertEq(owned.owner(), alice);
        assertEq(ledger.owner(), address(0));
        assertEq(inference.owner(), address(0));
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, address(this)));
        ledger.registerService("a", "b", address(inference), "");
    }

    function testFuzz_getAllLedgers(uint256 users, uint256 offset, uint256 limit) external {
        users = bound(users, 0, 12);
        offset = bound(offset, 0, 15);
        limit = bound(limit, 0, 15);
        for (uint160 i = 1; i <= users; ++i) {
            ledger.depositFundFor{value: i}(address(i << 20));
        }
        (ILedgerManager.Ledger[] memory page, uint256 total) = ledger.getAllLedgers(offset, limit);
        assertEq(total, users);
        uint256 length = limit == 0 ? 50 : limit;
        uint256 expected = offset >= users ? 0 : users - offset < length ? users - offset : length;
        assertEq(page.length, expected);
        for (uint256 i; i < page.length; ++i) {
            assertEq(page[i].availableBalance, users - offset - i); // newest first
        }
    }
}
